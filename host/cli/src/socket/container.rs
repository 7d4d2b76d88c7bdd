//! How a container gets a socket: its folder, since a daemon that starts again makes a new socket in it; the secret as
//! a file; and the group, by number, for names mean something else in there. All of it read-only: to connect is not to
//! write.

use std::path::Path;

use regent_protocol::visible;

/// Where a container finds its secret.
const SECRET: &str = "/run/secrets/regent";

/// What else is said of a group's number.
const ROOTLESS: &str =
    " for a number of the container's own: write keep-groups instead, and start it as a member of the group.\n";

/// Lines for docker, compose and Podman's units, to be copied.
pub(super) fn lines(folder: &Path, secret: &Path, group: Option<u32>) -> String {
    let (folder, secret) = (folder.display().to_string(), secret.display().to_string());
    let (folder, secret) = (visible::line(&folder), visible::line(&secret));
    let socket = format!("{folder}/regent.sock");
    let group = |before: &str, after: &str| group.map(|gid| format!("{before}{gid}{after}")).unwrap_or_default();
    format!(
        "\
# docker run (or podman run):
    --mount type=bind,source={folder},target={folder},readonly \\
    --mount type=bind,source={secret},target={SECRET},readonly \\
{by_option}    -e REGENT_SOCKET={socket} -e REGENT_SECRET_FILE={SECRET}

# compose.yaml, in the service:
    volumes:
      - {{type: bind, source: \"{folder}\", target: \"{folder}\", read_only: true, bind: {{create_host_path: false}}}}
      - {{type: bind, source: \"{secret}\", target: {SECRET}, read_only: true, bind: {{create_host_path: false}}}}
{by_compose}    environment: {{REGENT_SOCKET: \"{socket}\", REGENT_SECRET_FILE: {SECRET}}}

# Podman's NAME.container:
    [Container]
    Volume={folder}:{folder}:ro
    Volume={secret}:{SECRET}:ro
{by_unit}    Environment=\"REGENT_SOCKET={socket}\" REGENT_SECRET_FILE={SECRET}
{rootless}",
        by_option = group("    --group-add ", " \\\n"),
        by_compose = group("    group_add: [\"", "\"]\n"),
        rootless = group("\n# Rootless Podman takes ", ROOTLESS),
        by_unit = group("    PodmanArgs=--group-add=", "\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITH_GROUP: &str = "\
# docker run (or podman run):
    --mount type=bind,source=/run/regent/ci,target=/run/regent/ci,readonly \\
    --mount type=bind,source=/etc/regent/ci.secret,target=/run/secrets/regent,readonly \\
    --group-add 4711 \\
    -e REGENT_SOCKET=/run/regent/ci/regent.sock -e REGENT_SECRET_FILE=/run/secrets/regent

# compose.yaml, in the service:
    volumes:
      - {type: bind, source: \"/run/regent/ci\", target: \"/run/regent/ci\", read_only: true, bind: {create_host_path: false}}
      - {type: bind, source: \"/etc/regent/ci.secret\", target: /run/secrets/regent, read_only: true, bind: {create_host_path: false}}
    group_add: [\"4711\"]
    environment: {REGENT_SOCKET: \"/run/regent/ci/regent.sock\", REGENT_SECRET_FILE: /run/secrets/regent}

# Podman's NAME.container:
    [Container]
    Volume=/run/regent/ci:/run/regent/ci:ro
    Volume=/etc/regent/ci.secret:/run/secrets/regent:ro
    PodmanArgs=--group-add=4711
    Environment=\"REGENT_SOCKET=/run/regent/ci/regent.sock\" REGENT_SECRET_FILE=/run/secrets/regent

# Rootless Podman takes 4711 for a number of the container's own: write keep-groups instead, and start it as a member of the group.
";

    #[test]
    fn a_container_mounts_the_folder_and_the_secret_and_joins_the_group_by_its_number() {
        let (folder, secret) = (Path::new("/run/regent/ci"), Path::new("/etc/regent/ci.secret"));
        assert_eq!(lines(folder, secret, Some(4711)), WITH_GROUP);
        let without = WITH_GROUP.split_inclusive('\n').filter(|line| !line.contains("4711")).collect::<String>();
        assert_eq!(lines(folder, secret, None), without.trim_end().to_owned() + "\n");
    }
}
