#!/bin/bash
# What a node says of itself: one JSON line a check, all checks at once. Each looks once; whoever asks decides on patience.
# Runs as root from standard input. Arguments: the checks wanted; without any, all.
set -u
wanted=("$@")
export PATH=/opt/bin:$PATH
pki=/etc/kubernetes/pki
# shellcheck source=/dev/null
. /etc/flotilla/cluster.env
# shellcheck source=/dev/null
. /etc/flotilla/identity.env

is_wanted() {
  local name
  ((${#wanted[@]})) || return 0
  for name in "${wanted[@]}"; do [[ $name == "$1" ]] && return 0; done
  return 1
}

# A check prints what it saw (and after a tab, figures as JSON) and returns 0: holds; 1: not yet; 2: will not hold by waiting.
check() {
  local name=$1 look=$2 function=$3 seen status figures=null
  is_wanted "$name" || return
  seen=$("$function" 2>&1)
  status=$?
  if [[ $seen == *$'\t'* ]]; then figures=${seen#*$'\t'}; fi
  jq -nc --arg check "$name" --arg look "$look" --arg seen "${seen%%$'\t'*}" --argjson status "$status" --argjson figures "$figures" \
    '{check: $check, ok: ($status == 0), final: ($status == 2), seen: $seen, look: $look, figures: $figures}'
}

# Somebody has stopped it, or it has given up: then nothing is gained by waiting.
is_running() {
  local state
  state=$(systemctl is-active "$1")
  case $state in
    active) return 0 ;;
    inactive | failed) echo "$1 is $state"; return 2 ;;
    *) echo "$1 is $state"; return 1 ;;
  esac
}

etcd_as() {
  local name=$1
  shift
  etcdctl --endpoints=https://127.0.0.1:2379 --cacert="$pki/etcd/ca.crt" --cert="$pki/etcd/$name.crt" --key="$pki/etcd/$name.key" \
    --dial-timeout=2s --command-timeout=5s "$@"
}

# Seconds with a fraction, as curl gives them, to whole milliseconds.
ms() { local us=${1/./}; echo "$((10#$us / 1000)) ms"; }

age_s() {
  local since now
  since=$(systemctl show -P ActiveEnterTimestampMonotonic "$1")
  read -r now _ </proc/uptime
  echo $((${now%.*} - since / 1000000))
}

multi_user() {
  local jobs
  if systemctl -q is-active multi-user.target; then
    echo "reached $(age_s multi-user.target) s ago"
    return 0
  fi
  jobs=$(systemctl list-jobs --no-legend | sed 's/^ *[0-9]* *\([^ ]*\).*/\1/' | head -n 3 | paste -sd ' ')
  echo "not active; ${jobs:+waits for }${jobs:-no job is under way that would reach it}"
  [[ $jobs ]] && return 1 || return 2
}

failed_units() {
  local units
  units=$(systemctl --failed --no-legend --plain | cut -d ' ' -f 1 | paste -sd ' ')
  if [[ $units ]]; then echo "failed: $units"; return 2; fi
  echo "none"
}

kubelet() {
  is_running kubelet.service || return
  local said
  said=$(curl -s -m 3 http://127.0.0.1:10248/healthz) || { echo "no answer on 127.0.0.1:10248"; return 1; }
  echo "healthz says $said"
  [[ $said == ok ]]
}

flannel_lease() {
  is_running flannel.service || return
  local FLANNEL_SUBNET=, last key holder
  # shellcheck source=/dev/null
  . /run/flannel/subnet.env || return 1
  last=${FLANNEL_SUBNET##*.}
  key=$FLANNEL_PREFIX/subnets/${FLANNEL_SUBNET%.*}.$((${last%/*} - 1))-${last#*/}
  holder=$(etcd_as flannel get "$key" --print-value-only) || { echo "$holder"; return 1; }
  holder=$(jq -r .PublicIP <<<"${holder:-{\}}")
  echo "$FLANNEL_SUBNET, in etcd for ${holder/#null/nobody}"
  [[ $holder == "$PRIVATE_IPV4" ]]
}

vxlan_device() {
  local mtu routes
  mtu=$(ip -j link show flannel.1 up 2>/dev/null | jq '.[0].mtu // empty')
  if [[ ! $mtu ]]; then echo "flannel.1 is missing or down"; return 1; fi
  routes=$(ip -4 route show dev flannel.1 | wc -l)
  echo "flannel.1 is up, MTU $mtu, routes to other nodes: $routes"
}

etcd_health() {
  is_running etcd.service || return
  local said
  said=$(curl -s -m 3 http://127.0.0.1:2381/health) || { echo "no answer on 127.0.0.1:2381"; return 1; }
  echo "health says $(jq -r '.health + " " + (.reason // "")' <<<"$said")"
  [[ $(jq -r .health <<<"$said") == true ]]
}

etcd_members() {
  local members healthy started
  members=$(etcd_as root member list -w json) || { echo "$members"; return 1; }
  started=$(jq -r '[.members[] | select(.name and (.isLearner | not)).name] | sort | join(", ")' <<<"$members")
  healthy=$(etcd_as root endpoint health --cluster -w json 2>/dev/null | jq '[.[] | select(.health)] | length')
  echo "${healthy:-0} of $(jq '.members | length' <<<"$members") healthy, $ETCD_SIZE wanted: $started"
  [[ ${healthy:-0} == "$(jq '.members | length' <<<"$members")" && ${healthy:-0} -ge $ETCD_SIZE ]]
}

metric() { printf '%.0f' "$(sed -n "s/^$1 //p" <<<"$metrics")"; }

etcd_compaction() {
  local metrics retention_s age compacted revision last ago
  metrics=$(curl -s -m 3 http://127.0.0.1:2381/metrics) || { echo "no answer on 127.0.0.1:2381"; return 1; }
  retention_s=$(($(systemctl cat etcd.service | sed -n 's/.*--auto-compaction-retention=\([0-9]*\)m.*/\1/p') * 60))
  age=$(age_s etcd.service)
  compacted=$(metric etcd_debugging_mvcc_compact_revision)
  revision=$(metric etcd_debugging_mvcc_current_revision)
  last=$(metric etcd_debugging_mvcc_db_compaction_last)
  if ((last == 0 && age < 2 * retention_s)); then
    echo "not due yet: etcd runs for $age s, compacts every $retention_s s; revision $revision"
    return 0
  fi
  ago=$(($(date +%s) - last))
  if ((last == 0)); then echo "never in $age s, although due every $retention_s s; revision $revision"; return 2; fi
  echo "up to revision $compacted of $revision, $ago s ago"
  ((compacted > 0 && ago <= 2 * retention_s + 60)) || return 2
}

etcd_gateway() {
  is_running etcd-gateway.service || return
  local said
  said=$(etcd_as node endpoint health -w json 2>/dev/null) || { echo "no healthy member through 127.0.0.1:2379"; return 1; }
  echo "a healthy member answers in $(jq -r '.[0].took | sub("\\.[0-9]+"; "")' <<<"$said")"
}

days_left() {
  local end
  end=$(openssl x509 -in "$1" -noout -enddate) || return
  echo $((($(date -d "${end#*=}" +%s) - $(date +%s)) / 86400))
}

certificates() {
  local file name days figures='{}' least=999999 first='' count=0
  while read -r file; do
    days=$(days_left "$file") || { echo "$file cannot be read"; return 2; }
    name=${file#"$pki/"}
    figures=$(jq -c --arg name "${name%.*}" --argjson days "$days" '. + {($name): $days}' <<<"$figures")
    count=$((count + 1))
    if ((days < least)); then least=$days first=${name%.*}; fi
  done < <(find "$pki" -name '*.crt' | sort; find /var/lib/kubelet/pki -name kubelet-client-current.pem 2>/dev/null)
  printf '%s\t%s' "$count certificates, the first to expire is $first in $least days" "$figures"
  # A run renews what has under 90 days left; so few days mean that no run has come by for two months.
  ((count > 0 && least >= 30)) || return 2
}

ready_at() {
  local took
  took=$(curl -sf -m 3 -o /dev/null -w '%{time_total}' --noproxy '*' --cacert "$pki/ca.crt" "https://127.0.0.1:$1/readyz") ||
    { echo "readyz on 127.0.0.1:$1 does not answer with 200"; return 1; }
  echo "ready, asked on 127.0.0.1:$1, in $(ms "$took")"
}
api_gateway() { is_running apiserver-gateway.service && ready_at 7443; }
api_server() { ready_at 6443; }

# A DNS question by hand, since a Flatcar node has no tool for it: A records of a name, asked over UDP.
dns_answer() {
  local server=$1 name=$2 label message='\x4f\x43\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00'
  for label in ${name//./ }; do message+=$(printf '\\x%02x' ${#label})$label; done
  exec 3<>"/dev/udp/$server/53" || return
  # One write is one datagram, and printf writes line by line: 10, a length, is also a line's end.
  # shellcheck disable=SC2059  # the message is its own format: it holds the escapes
  printf "$message"'\x00\x00\x01\x00\x01' | dd bs=512 iflag=fullblock 2>/dev/null >&3
  timeout 2 dd bs=512 count=1 <&3 2>/dev/null | od -An -v -tu1 | tr -s ' \n' ' '
  exec 3>&-
}

cluster_dns() {
  local server name=kubernetes.default.svc.$CLUSTER_DOMAIN answer
  server=$(sed -n 's/^clusterDNS: *\[ *"\?\([0-9.]*\).*/\1/p' /etc/kubernetes/kubelet.yaml)
  read -ra answer < <(dns_answer "$server" "$name")
  if ((${#answer[@]} < 12)); then echo "$server does not answer for $name"; return 1; fi
  # Byte 3 ends in the error code, bytes 6 and 7 count the answers, an address is at the end.
  if (((answer[3] & 15) != 0 || answer[6] * 256 + answer[7] == 0)); then
    echo "$server answers with error $((answer[3] & 15)) for $name"
    return 1
  fi
  answer=("${answer[@]: -4}")
  echo "$server says $name is $(IFS=.; echo "${answer[*]}")"
  [[ $(IFS=.; echo "${answer[*]}") == "$SERVICE_API_IP" ]]
}

check 'multi-user target' 'systemctl list-jobs' multi_user &
check 'failed units' 'systemctl --failed' failed_units &
check 'kubelet' 'journalctl -u kubelet.service' kubelet &
check 'flannel lease' 'journalctl -u flannel.service' flannel_lease &
if [[ $FLANNEL_BACKEND == vxlan ]]; then check 'vxlan device' 'ip -d link show flannel.1' vxlan_device & fi
check 'certificates' 'ls -l /etc/kubernetes/pki /etc/kubernetes/pki/etcd' certificates &
check 'API gateway' 'journalctl -u apiserver-gateway.service' api_gateway &
check 'cluster DNS' 'journalctl -u kubelet.service' cluster_dns &
if [[ $NODE_ROLE == control-plane ]]; then
  check 'API server' 'ls -t /var/log/pods/kube-system_kube-apiserver-*/*/*.log' api_server &
  check 'etcd health' 'journalctl -u etcd.service' etcd_health &
  check 'etcd members' 'journalctl -u etcd.service' etcd_members &
  check 'etcd compaction' 'curl -s http://127.0.0.1:2381/metrics' etcd_compaction &
else
  check 'etcd gateway' 'journalctl -u etcd-gateway.service' etcd_gateway &
fi
wait
