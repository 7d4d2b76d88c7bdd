//! A name that nothing served, and a grants file that has it all the same: then what keeps that file from serving is
//! the answer, and not another file. Looked for when an administrator asks, for a caller is to have no file read.

use std::path::PathBuf;

use regent_grants::operation_at;
use regent_protocol::{PluginView, RuleView, Serving, WhyView};

use super::explained::Explained;
use crate::record::text::{TEXT_MAX, cut};
use crate::record::why::ReasonWord;
use crate::trusted_file::Trusted;

/// A file that is not served as it lies there, and why.
struct File {
    path: PathBuf,
    reasons: String,
    /// Whether what it said before is served still.
    as_before: bool,
}

/// The refusal, as the files explain it by now.
pub(crate) async fn look(Explained { view: why, word }: Explained, plugins: Vec<PluginView>) -> WhyView {
    let Some(operation) = why.operation.clone().filter(|_| word == Some(ReasonWord::NobodyServes)) else {
        return why;
    };
    let files: Vec<File> = plugins.into_iter().filter_map(File::of).collect();
    let looked = tokio::task::spawn_blocking(move || among(files, &operation)).await;
    match looked {
        Ok(Looked { has: Some((file, line, table)), .. }) => has(why, &file, line, &table),
        Ok(Looked { unread, .. }) if !unread.is_empty() => may_have(why, &unread),
        _ => why,
    }
}

impl File {
    fn of(plugin: PluginView) -> Option<Self> {
        let PluginView { grants, reasons, state, .. } = plugin;
        let as_before = !matches!(state, Serving::NotServing | Serving::Preparing);
        let path = PathBuf::from(grants?);
        (!reasons.is_empty()).then(|| Self { path, reasons: reasons.join("; "), as_before })
    }
}

#[derive(Default)]
struct Looked {
    /// With the line and the name of its table there.
    has: Option<(File, usize, String)>,
    unread: Vec<File>,
}

fn among(files: Vec<File>, operation: &str) -> Looked {
    let mut looked = Looked::default();
    for file in files {
        match Trusted::open(&file.path).and_then(Trusted::text) {
            Ok(text) => {
                if let Some((line, table)) = operation_at(&text, operation) {
                    return Looked { has: Some((file, line, table)), ..looked };
                }
            }
            Err(_) => looked.unread.push(file),
        }
    }
    looked
}

fn has(why: WhyView, file: &File, line: usize, table: &str) -> WhyView {
    let path = file.path.display().to_string();
    let but = if file.as_before { "but what it says now is not served" } else { "but is not served" };
    let text = cut(&format!("{path} has [operations.{table}], {but}: {}", file.reasons), TEXT_MAX);
    let rule = format!("[operations.{table}]");
    WhyView { why: text, rule: Some(RuleView { file: path, line: Some(line), rule }), allow: None, ..why }
}

/// Another file would not help if one of these has it.
fn may_have(why: WhyView, unread: &[File]) -> WhyView {
    let each: Vec<_> = unread.iter().map(|file| file.reasons.as_str()).collect();
    let text = format!("{}, but these cannot be read, and one of them may: {}", why.why, each.join("; "));
    WhyView { why: cut(&text, TEXT_MAX), allow: None, ..why }
}
