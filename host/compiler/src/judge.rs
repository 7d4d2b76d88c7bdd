//! Looks at a module before anything is compiled, and says everything that is wrong with it at once, each reason with
//! its cure. The sandbox does not rely on this: it links what is served and nothing else.

use std::fmt;

use regent_lane::{ModuleCode, ModuleError};
use wasmtime::wasmparser::{BinaryReaderError, ComponentExternalKind, Encoding, Parser, Payload};

use crate::interface::{Class, Interface, class, other_version};

/// Reasons that are told; more help nobody.
const REASONS_MAX: usize = 64;
/// Imports that are listed: there are 26 that could be of use.
const IMPORTS_MAX: usize = 1024;
/// Modules and components within components. Toolchains make two or three; ten thousand cost the compiler six seconds.
const DEPTH_MAX: usize = 32;
/// Bytes of a name that are told: names are the module's own words.
const NAME_MAX: usize = 200;

/// What is taken for a component, and is none.
enum NotAComponent {
    Empty,
    CoreModule,
    OtherVersion,
    CompiledCode,
    Text,
    Unknown,
}

impl fmt::Display for NotAComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the file is empty: build or copy it once more",
            Self::CoreModule => {
                "this is a core module, and plugins are components. Rust: build for wasm32-wasip2; otherwise: \
                 wasm-tools component new"
            }
            Self::OtherVersion => {
                "this is WebAssembly of a version that is not served: build it with tools of 2024 or later"
            }
            Self::CompiledCode => {
                "this is compiled code, and Regent compiles plugins itself: install the .wasm file that it was made \
                 from"
            }
            Self::Text => "this is WebAssembly's text format: turn it into a component first (wasm-tools parse)",
            Self::Unknown => "this is not WebAssembly: what belongs here is what `regent plugin build` makes",
        })
    }
}

/// What is wrong with the inside of a component.
enum Damage {
    NotAComponent,
    TooDeep,
    Malformed(BinaryReaderError),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAComponent => f.write_str("no component"),
            Self::TooDeep => write!(f, "its components are nested more than {DEPTH_MAX} deep"),
            Self::Malformed(error) => error.fmt(f),
        }
    }
}

impl From<BinaryReaderError> for Damage {
    fn from(error: BinaryReaderError) -> Self {
        Self::Malformed(error)
    }
}

/// Every reason why this module cannot be a plugin.
pub(crate) fn judge(module: &[u8]) -> Result<(), Vec<ModuleError>> {
    let outside = outside(module)?;
    let mut reasons = outside.refused_imports();
    reasons.extend(outside.missing_operation());
    reasons.truncate(REASONS_MAX);
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

/// What a module imports, one a line: the class's word and the name.
pub(crate) fn imports(module: &[u8]) -> Result<String, Vec<ModuleError>> {
    let line = |import: &&str| format!("{} {}\n", class(import).word(), shown(import));
    Ok(outside(module)?.imports.iter().take(IMPORTS_MAX).map(line).collect())
}

fn outside(module: &[u8]) -> Result<Outside<'_>, Vec<ModuleError>> {
    kind(module).map_err(|reason| vec![reason.to_string().into()])?;
    let damaged = |why| format!("the component is damaged: {why}. Build or copy it once more");
    Outside::of(module).map_err(|why| vec![ModuleCode::Invalid.because(damaged(why))])
}

/// The first bytes tell a component from all that is mistaken for one.
fn kind(module: &[u8]) -> Result<(), NotAComponent> {
    const CORE: &[u8] = b"\0asm\x01\0\0\0";
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    if module.starts_with(COMPONENT) {
        return Ok(());
    }
    Err(if module.is_empty() {
        NotAComponent::Empty
    } else if module.starts_with(CORE) {
        NotAComponent::CoreModule
    } else if module.starts_with(b"\0asm") {
        NotAComponent::OtherVersion
    } else if module.starts_with(b"\x7fELF") {
        NotAComponent::CompiledCode
    } else if module.trim_ascii_start().starts_with(b"(") {
        NotAComponent::Text
    } else {
        NotAComponent::Unknown
    })
}

/// What a component shows to the outside.
#[derive(Default)]
struct Outside<'a> {
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
}

impl<'a> Outside<'a> {
    fn of(module: &'a [u8]) -> Result<Self, Damage> {
        let mut outside = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(Damage::NotAComponent),
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } if depth == DEPTH_MAX => {
                    return Err(Damage::TooDeep);
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        outside.imports.push(import?.name.name);
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export?;
                        if export.kind == ComponentExternalKind::Instance {
                            outside.exports.push(export.name.name);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(outside)
    }

    fn refused_imports(&self) -> Vec<ModuleError> {
        let refused = |import: &&str| match class(import) {
            Class::Refused(cure) => Some(ModuleCode::Import.because(format!("imports {}: {cure}", shown(import)))),
            Class::Regent | Class::Served | Class::Inert => None,
        };
        self.imports.iter().filter_map(refused).collect()
    }

    fn missing_operation(&self) -> Option<ModuleError> {
        let mut other = None;
        for export in &self.exports {
            match Interface::parse(export) {
                Some(interface) if interface.package == "regent:plugin" && interface.name == "operation" => {
                    if interface.is_served_world() {
                        return None;
                    }
                    other = Some(format!("exports {}: {}", shown(export), other_version()).into());
                }
                _ => {}
            }
        }
        other.or_else(|| {
            Some("exports no regent:plugin/operation: build it against a world of Regent's `wit` folder".into())
        })
    }
}

/// The module's words on one line of harmless characters.
fn shown(name: &str) -> String {
    name.chars().take(NAME_MAX).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}
