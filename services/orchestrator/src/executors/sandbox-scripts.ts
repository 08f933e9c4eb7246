/**
 * Started for each attempt as the leader of a session of its own. Its standard input is the lifeline: when the orchestrator dies,
 * however it dies, the pipe closes and the whole process group is killed. The program begins with the first line that comes down
 * the lifeline, so that everything about the attempt is in place by then, and sees neither.
 */
export const launchScript = `exec 3<&0 </dev/null
read -r _ <&3 || exit 125
"$@" 3<&- &
child=$!
{ read -r _ <&3; kill -s KILL -- "-$$"; } >/dev/null 2>&1 &
lifeline=$!
wait "$child"
code=$?
kill -s KILL "$lifeline" 2>/dev/null
exit "$code"
`;

/**
 * The first process of the attempt's own namespaces, before it gives up its rights. $1 workspace, $2 an empty folder that becomes
 * /dev, $3 MiB of shared memory, $4 a file to hide or '', then the command. Everything but the workspace becomes read-only, /dev
 * holds five harmless devices, and /proc shows the attempt's own processes. It stays as their init: when it ends, they all end.
 */
export const initScript = `work=$1 box=$2 shared=$3 hidden=$4
shift 4
fail() { echo "the sandbox can't be set up: $1" >&2; exit 125; }
for node in null zero full random urandom; do
  : >"$box/$node" && mount --bind "/dev/$node" "$box/$node" || fail "/dev/$node"
done
mkdir "$box/shm" && ln -s /proc/self/fd "$box/fd" || fail /dev
ln -s fd/0 "$box/stdin"; ln -s fd/1 "$box/stdout"; ln -s fd/2 "$box/stderr"
mount --rbind "$box" /dev || fail /dev
mount -t tmpfs -o "size=\${shared}m,mode=1777,nosuid,nodev" tmpfs /dev/shm || fail /dev/shm
if [ -n "$hidden" ]; then mount --bind /dev/null "$hidden" || fail "hiding $hidden"; fi
while read -r _ at _; do
  at=$(printf '%b' "$at")
  case $at in /dev/shm | /proc | /proc/*) ;; *) mount -o remount,bind,ro "$at" 2>/dev/null ;; esac
done </proc/self/mounts
mount --bind "$work" "$work" && mount -o remount,bind,rw "$work" && cd "$work" || fail "$work"
"$@" &
wait $!
exit $?
`;

/** Where there is neither prlimit nor setpriv (macOS): the limits that a shell can set. $1 MiB of a file, $2 CPU seconds. */
export const limitScript = `ulimit -c 0
ulimit -f $(($1 * 2048))
ulimit -t "$2"
shift 2
exec "$@"
`;
