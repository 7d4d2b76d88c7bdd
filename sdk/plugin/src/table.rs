//! The macro that writes a plugin's table.

/// Makes a crate a plugin: its operations by the names that grants files use, then the commands that it wants granted,
/// each with its slots and a reason for the administrator.
///
/// ```
/// # use regent_plugin::prelude::*;
/// # macro_rules! operation {
/// #     ($name:ident) => {
/// #         #[derive(Serialize, Deserialize)]
/// #         struct $name;
/// #         impl Operation for $name {
/// #             type Data = Ignored;
/// #             const SUMMARY: &'static str = "";
/// #             fn prepare(_: Ignored, _: &mut Plan) -> Result<Self, Refusal> {
/// #                 Ok(Self)
/// #             }
/// #             fn finish(self, _: &Results) -> Result<impl Serialize, Failure> {
/// #                 Ok(())
/// #             }
/// #         }
/// #     };
/// # }
/// # operation!(Open);
/// # operation!(Close);
/// plugin! {
///     "open" => Open,
///     "close" => Close;
///     wants "open-port"("ip", "port"): "adds the rule",
///     wants "close-port"("ip", "port"): "takes it away again",
/// }
/// # fn main() {
/// #     assert!(PLUGIN.describe().contains("close-port"));
/// # }
/// ```
///
/// An operation named `"*"` serves every name of the grants file that has no operation of its own;
/// [`Plan::operation`](crate::Plan::operation) tells which.
///
/// It defines `PLUGIN`, the [`Plugin`](crate::Plugin) that tests hand to the fake host, and in WebAssembly the
/// component's exports.
#[macro_export]
macro_rules! plugin {
    (
        $($name:literal => $operation:ty),+
        $(; $(wants $command:literal ( $($slot:literal),* ) : $reason:literal),+)?
        $(,)?
    ) => {
        /// This plugin.
        pub static PLUGIN: $crate::Plugin = $crate::Plugin {
            operations: &[$($crate::Entry::of::<$operation>($name)),+],
            wants: &[$($($crate::Want { command: $command, slots: &[$($slot),*], reason: $reason }),+)?],
        };
        $crate::__exports!(PLUGIN);
    };
}
