//! A package's sources as trees of modules, without test code.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use regent_build::{At as _, Error, Result};
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta};

use super::prune;

/// A package of the workspace.
pub(super) struct Package {
    /// One for the library and one for each program.
    pub(super) trees: Vec<Tree>,
}

/// What one call of the compiler sees: a root file and the modules below it.
#[derive(Default)]
pub(super) struct Tree {
    pub(super) files: Vec<Source>,
    /// The first is the root.
    pub(super) modules: Vec<Module>,
}

/// A file.
pub(super) struct Source {
    /// From the repository's root.
    pub(super) path: String,
    /// How many lines it has without tests.
    pub(super) lines: usize,
}

/// A module, in a file of its own or inline.
pub(super) struct Module {
    /// Its index in [`Tree::files`].
    pub(super) file: usize,
    pub(super) parent: Option<usize>,
    pub(super) children: HashMap<String, usize>,
    /// Without the contents of inline modules: these are modules themselves.
    pub(super) items: Vec<Item>,
}

/// The packages in the folders of `parents`, such as `host`, sorted. A parent may be a package itself.
pub(super) fn packages(root: &Path, parents: &[&str]) -> Result<Vec<Package>> {
    let mut folders = Vec::new();
    for parent in parents {
        if root.join(parent).join("Cargo.toml").is_file() {
            folders.push((*parent).to_owned());
            continue;
        }
        for name in names(&root.join(parent))? {
            let folder = format!("{parent}/{name}");
            if root.join(&folder).join("Cargo.toml").is_file() {
                folders.push(folder);
            }
        }
    }
    folders.iter().map(|folder| Package::load(root, folder)).collect()
}

impl Package {
    fn load(root: &Path, folder: &str) -> Result<Self> {
        let mut roots: Vec<_> =
            ["src/lib.rs", "src/main.rs", "build.rs"].map(|file| root.join(folder).join(file)).into();
        let programs = root.join(folder).join("src/bin");
        if programs.is_dir() {
            roots.extend(names(&programs)?.iter().filter(|name| name.ends_with(".rs")).map(|name| programs.join(name)));
        }
        let trees = roots.iter().filter(|file| file.is_file()).map(|file| Tree::load(root, file));
        Ok(Self { trees: trees.collect::<Result<_>>()? })
    }
}

impl Tree {
    fn load(root: &Path, file: &Path) -> Result<Self> {
        let mut tree = Self::default();
        let folder = file.parent().unwrap_or(root).to_owned();
        tree.add_file(root, file, folder, None)?;
        Ok(tree)
    }

    /// Adds the module in `file`, whose own modules are in `folder`. Returns its index.
    fn add_file(&mut self, root: &Path, file: &Path, folder: PathBuf, parent: Option<usize>) -> Result<usize> {
        let text = fs::read_to_string(file).at(file)?;
        let path = file.strip_prefix(root).unwrap_or(file).display().to_string();
        let mut syntax = syn::parse_file(&text)
            .map_err(|error| Error::new(format!("{path}:{}: {error}", error.span().start().line)))?;
        let cut = prune::prune(&mut syntax);
        self.files.push(Source { path, lines: prune::count_lines(&text, &cut) });
        self.add_module(root, self.files.len() - 1, syntax.items, &folder, parent)
    }

    fn add_module(
        &mut self,
        root: &Path,
        file: usize,
        mut items: Vec<Item>,
        folder: &Path,
        parent: Option<usize>,
    ) -> Result<usize> {
        let index = self.modules.len();
        self.modules.push(Module { file, parent, children: HashMap::new(), items: Vec::new() });
        let mut children = HashMap::new();
        for item in &mut items {
            let Item::Mod(declared) = item else { continue };
            let name = name_of(declared);
            let child = match declared.content.take() {
                Some((_, items)) => self.add_module(root, file, items, &folder.join(&name), Some(index))?,
                None => {
                    let (path, folder) = self.find(root, file, declared, folder)?;
                    self.add_file(root, &path, folder, Some(index))?
                }
            };
            children.insert(name, child);
        }
        if let Some(module) = self.modules.get_mut(index) {
            module.items = items;
            module.children = children;
        }
        Ok(index)
    }

    /// The file of a `mod name;` line in `file`, and the folder of that module's own modules.
    fn find(&self, root: &Path, file: usize, declared: &ItemMod, folder: &Path) -> Result<(PathBuf, PathBuf)> {
        let here = root.join(self.file(file));
        let name = name_of(declared);
        if let Some(path) = declared.attrs.iter().find_map(path_attribute) {
            let path = here.parent().unwrap_or(root).join(path);
            let folder = path.parent().unwrap_or(root).to_owned();
            return Ok((path, folder));
        }
        let own = folder.join(&name);
        let candidates = [folder.join(format!("{name}.rs")), own.join("mod.rs")];
        match candidates.into_iter().find(|path| path.is_file()) {
            Some(path) => Ok((path, own)),
            None => Err(Error::new(format!("{}: module {name} has no file", self.file(file)))),
        }
    }

    /// The path of a file.
    pub(super) fn file(&self, file: usize) -> &str {
        self.files.get(file).map_or("?", |source| &source.path)
    }
}

/// A module's name, without `r#`.
fn name_of(module: &ItemMod) -> String {
    module.ident.to_string().trim_start_matches("r#").to_owned()
}

/// The value of `#[path = "..."]`.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).at(folder)? {
        names.push(entry.at(folder)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
