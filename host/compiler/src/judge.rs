//! Looks at a module before anything is compiled, and says everything that is wrong with it at once, each reason with its
//! cure. The sandbox does not rely on this: it links what is served and nothing else.

use regent_lane::{ModuleCode, ModuleError};
use wasmtime::wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};

use crate::interface::{Class, Interface, class, other_version};

/// Reasons that are told; more help nobody.
const REASONS_MAX: usize = 64;
/// Imports that are listed: there are 26 that could be of use.
const IMPORTS_MAX: usize = 1024;
/// Modules and components within components. Toolchains make two or three; ten thousand cost the compiler six seconds.
const DEPTH_MAX: usize = 32;
/// Bytes of a name that are told: names are the module's own words.
const NAME_MAX: usize = 200;

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
    kind(module).map_err(|reason| vec![reason.into()])?;
    let damaged = |why| format!("the component is damaged: {why}. Build or copy it once more");
    Outside::of(module).map_err(|why| vec![ModuleCode::Invalid.because(damaged(why))])
}

/// The first bytes tell a component from all that is mistaken for one.
fn kind(module: &[u8]) -> Result<(), &'static str> {
    const CORE: &[u8] = b"\0asm\x01\0\0\0";
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    if module.starts_with(COMPONENT) {
        return Ok(());
    }
    Err(if module.is_empty() {
        "the file is empty: build or copy it once more"
    } else if module.starts_with(CORE) {
        "this is a core module, and plugins are components. Rust: build for wasm32-wasip2; otherwise: wasm-tools \
         component new"
    } else if module.starts_with(b"\0asm") {
        "this is WebAssembly of a version that is not served: build it with tools of 2024 or later"
    } else if module.starts_with(b"\x7fELF") {
        "this is compiled code, and Regent compiles plugins itself: install the .wasm file that it was made from"
    } else if module.trim_ascii_start().starts_with(b"(") {
        "this is WebAssembly's text format: turn it into a component first (wasm-tools parse)"
    } else {
        "this is not WebAssembly: what belongs here is what `regent plugin build` makes"
    })
}

/// What a component shows to the outside.
#[derive(Default)]
struct Outside<'a> {
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
}

impl<'a> Outside<'a> {
    fn of(module: &'a [u8]) -> Result<Self, String> {
        let mut outside = Self::default();
        let mut depth = 0_usize;
        for payload in Parser::new(0).parse_all(module) {
            match payload.map_err(|why| why.to_string())? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err("no component".into()),
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } if depth == DEPTH_MAX => {
                    return Err(format!("its components are nested more than {DEPTH_MAX} deep"));
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        outside.imports.push(import.map_err(|why| why.to_string())?.name.name);
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        let export = export.map_err(|why| why.to_string())?;
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
