#!/bin/bash
# From this node's own test pod, reach those of all other nodes over TCP: one JSON line.
# Runs as root from standard input. $1: seconds; $2: uid of this node's pod; further: NODE=ADDRESS of the other pods.
set -u
wait_s=$1 uid=$2
shift 2

# Any process of the pod will do, they share their network. systemd writes a uid with underscores, cgroupfs with hyphens.
pod_process() {
  local file
  while IFS= read -r file; do
    if [[ -e ${file%/cgroup}/ns/net ]]; then basename "${file%/cgroup}"; return 0; fi
  done < <(grep -ls -e "pod$uid" -e "pod${uid//-/_}" /proc/[0-9]*/cgroup)
  return 1
}

report() {
  jq -nc --argjson ok "$1" --arg seen "$2" '{check: "pod traffic", ok: $ok, seen: $seen, look: "ip route; journalctl -u flannel.service", figures: null}'
}

until process=$(pod_process); do
  if ((SECONDS >= wait_s)); then report false "no process of the test pod $uid on this node"; exit; fi
  sleep 0.2
done

reach() {
  until nsenter -t "$process" -n curl -sf -m 2 -o /dev/null --noproxy '*' -w "%{time_total}\n" "http://$1:8080/health"; do
    if ((SECONDS >= wait_s)); then return 1; fi
    sleep 0.2
  done
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for other; do
  { reach "${other#*=}" >"$folder/${other%%=*}" || echo "failed" >"$folder/${other%%=*}"; } &
done
wait
unreached=()
for other; do
  if [[ $(<"$folder/${other%%=*}") == *failed* ]]; then unreached+=("the pod ${other#*=} on ${other%%=*}"); fi
done
if ((${#unreached[@]})); then
  unreached=("${unreached[@]/#/, }")
  report false "no answer from$(printf '%s' "${unreached[@]}" | cut -c 2-)"
elif (($# == 0)); then
  report true "there is no other node"
else
  slowest=$(cat "$folder"/* | sort -g | tail -n 1)
  report true "pods of other nodes that answer: $# of $#, the slowest in $((10#${slowest/./} / 1000)) ms"
fi
