//! How a container gets a socket: its folder, since a daemon that starts again makes a new socket in it; the secret as a file;
//! and the group, by number, for names mean something else in there. All of it read-only: to connect is not to write.

use std::path::Path;

use regent_protocol::visible;

/// Where a container finds its secret.
const SECRET: &str = "/run/secrets/regent";

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
",
        by_option = group("    --group-add ", " \\\n"),
        by_compose = group("    group_add: [\"", "\"]\n"),
        by_unit = group("    PodmanArgs=--group-add=", "\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_mounts_the_folder_and_the_secret_and_joins_the_group_by_its_number() {
        let (folder, secret) = (Path::new("/run/regent/ci"), Path::new("/etc/regent/ci.secret"));
        let text = lines(folder, secret, Some(4711));
        for line in [
            "--mount type=bind,source=/run/regent/ci,target=/run/regent/ci,readonly",
            "--group-add 4711 ",
            "group_add: [\"4711\"]",
            "PodmanArgs=--group-add=4711\n",
            "Volume=/etc/regent/ci.secret:/run/secrets/regent:ro",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(!text.contains("source=/run/regent/ci/regent.sock"), "{text}");
        let without = lines(folder, secret, None);
        assert!(!without.contains("group") && !without.contains("Args"), "{without}");
    }
}
