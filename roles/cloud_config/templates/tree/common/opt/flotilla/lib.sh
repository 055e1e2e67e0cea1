# What the node's scripts share. A script is named like its unit, so $UNIT is known without being told.
set -euo pipefail
umask 022
export PATH=/opt/bin:$PATH
STATE=/var/lib/flotilla
PKI=/etc/kubernetes/pki
UNIT=${0##*/}.service
. /etc/flotilla/cluster.env
if [[ -r /etc/flotilla/identity.env ]]; then . /etc/flotilla/identity.env; fi
mkdir -p "$STATE" /run/flotilla/progress

log() { printf '%s\n' "$*"; }

# Say where this unit is: to followers always, to the journal when it is news.
SAID=
progress() {
  if [[ $* == "$SAID" ]]; then return; fi
  SAID=$*
  log "$*"
  write_file "/run/flotilla/progress/$UNIT" <<<"$*"
}

# wait_for TEXT SECONDS COMMAND...: repeat the command until it succeeds; a reminder in the journal every half minute.
wait_for() {
  local text=$1 pause=$2 start=$SECONDS said=0
  shift 2
  if "$@"; then return; fi
  progress "$text"
  until "$@"; do
    sleep "$pause"
    if ((SECONDS - start >= said + 30)); then
      said=$((SECONDS - start))
      log "$text: still, after $said s"
    fi
  done
}

# Write standard input to a file, whole or not at all.
write_file() {
  cat >"$1.new"
  mv "$1.new" "$1"
}

exists() { [[ -e $1 ]]; }

done_before() { [[ -e $STATE/${1:-${UNIT%.service}}.done ]]; }
done_now() { : >"$STATE/${UNIT%.service}.done"; }

# The authority's certificate for the certificate of this name.
ca_of() {
  case $1 in
    etcd/*) echo "$PKI/etcd/ca.crt" ;;
    front-proxy-client) echo "$PKI/front-proxy-ca.crt" ;;
    *) echo "$PKI/ca.crt" ;;
  esac
}

# etcd_as CERTIFICATE COMMAND...: etcdctl through the local member or gateway.
etcd_as() {
  local name=$1
  shift
  etcdctl --endpoints=https://127.0.0.1:2379 --cacert="$PKI/etcd/ca.crt" --cert="$PKI/etcd/$name.crt" \
    --key="$PKI/etcd/$name.key" --dial-timeout=2s --command-timeout=5s "$@"
}

# ask URL AUTHORITY [CURL OPTION...]: is there a 2xx answer within 2 s?
ask() {
  local url=$1 ca=$2
  shift 2
  curl -sf -m 2 -o /dev/null --noproxy '*' --cacert "$ca" "$@" "$url"
}

# answering FUNCTION ADDRESS...: print the addresses for which the function succeeds, asked all at once.
answering() {
  local check=$1 address
  shift
  for address; do
    { if "$check" "$address"; then echo "$address"; fi; } &
  done | sort
}

# What listens on a port of 127.0.0.1 for the others of this node: a process group of its own, so that it ends as a whole.
LISTENER=
LISTENS_FOR=
HELD=
listen() {
  local what=$1
  shift
  if [[ $what == "$LISTENS_FOR" ]] && kill -0 "$LISTENER" 2>/dev/null; then return; fi
  if [[ $LISTENS_FOR == nobody ]]; then
    # The connections held so far go on; only new ones are for the next listener.
    kill "$LISTENER" 2>/dev/null || true
    HELD=$LISTENER
  elif [[ $LISTENER ]]; then
    kill -- "-$LISTENER" ${HELD:+"-$HELD"} 2>/dev/null || true
    HELD=
  fi
  wait "$LISTENER" 2>/dev/null || true
  set -m
  "$@" >/dev/null 2>&1 9>&- &
  set +m
  LISTENER=$!
  LISTENS_FOR=$what
}

# gateway PORT ADDRESS:PORT...: lead the port to these, anew when they have changed. `etcd gateway` has no dial time-out,
# so its list must hold living addresses only.
gateway() {
  local port=$1 over
  shift
  over=$(IFS=,; echo "$*")
  if [[ $over != "$LISTENS_FOR" ]]; then log "127.0.0.1:$port leads to $over"; fi
  listen "$over" etcd gateway start --listen-addr="127.0.0.1:$port" --endpoints="$over" --retry-delay=1s
}
