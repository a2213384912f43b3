#!/usr/bin/env bash
# Brings one machine to the point where the commands of the Makefile work: `scripts/setup.sh WHAT…`.
# Promises: installs only what is missing and says what; asks nothing; needs no input; a second call
# changes nothing. What it cannot install (Rust, Node, Python themselves) it names, and stops.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

# may_install REASON PACKAGE… : stops with what to do where packages cannot be installed.
may_install() {
    local reason=$1; shift
    have apt-get || die "$reason: install $* with this system's package manager, then run again"
    [ "$(id -u)" -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; } || die "$reason: as root, run: apt-get install $*"
}

# apt_install REASON PACKAGE…
apt_install() {
    local reason=$1; shift
    may_install "$reason" "$@"
    say "$reason: installing $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

# apt_install_unstarted REASON PACKAGE… : the same for servers, none of which is started: not by the
# install, nor at the next boot. What that takes is taken away again, and nothing that was there is touched.
apt_install_unstarted() (
    may_install "$@"
    policy=/usr/sbin/policy-rc.d cluster=/etc/postgresql-common/createcluster.d/waybill-none.conf added=()
    trap '[ ${#added[@]} -eq 0 ] || as_root rm -f "${added[@]}"' EXIT
    trap 'exit 130' INT TERM
    if [ ! -e "$policy" ]; then
        added+=("$policy")
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    fi
    if [ ! -e "$cluster" ]; then
        added+=("$cluster")
        as_root mkdir -p "${cluster%/*}"
        echo 'create_main_cluster = false' | as_root tee "$cluster" >/dev/null
    fi
    apt_install "$@"
    shift
    ! have systemctl || as_root systemctl --quiet disable "$@" >/dev/null 2>&1 || true
)

# SQLite, zstd, the TLS primitives and the allocator are C code that their crates bring and build.
setup-rust() {
    have cargo || die "Rust is missing: install the toolchain (cargo, rustc) first"
    local missing=()
    have cc || missing+=(gcc libc6-dev)
    have make || missing+=(make)
    [ ${#missing[@]} -eq 0 ] || apt_install "to build bundled C code" "${missing[@]}"
}

setup-rust-tools() {
    local tool
    for tool in fmt:rustfmt clippy:clippy; do
        cargo "${tool%%:*}" --version >/dev/null 2>&1 && continue
        have rustup || die "cargo ${tool%%:*} is missing: install the component ${tool##*:} of the Rust toolchain"
        say "adding ${tool##*:} to the Rust toolchain"
        rustup component add "${tool##*:}" >&2
    done
}

# stamped STAMP FILE… : true when STAMP was written for exactly these files' contents.
stamped() { local stamp=$1; shift; [ -f "$stamp" ] && [ "$(cat "$@" | cksum)" = "$(cat "$stamp")" ]; }
stamp() { local stamp=$1; shift; cat "$@" | cksum >"$stamp"; }

setup-python() {
    local venv=.build/venv wanted=tests/sdk/python/requirements.txt base
    base=$(python_3_10) || die "Python 3.10 or newer is missing"
    # A virtual environment holds absolute paths: one that was moved along with the folder is of no use.
    if stamped "$venv/.stamp" "$wanted" && [ "$("$venv/bin/python" -c 'import sys; print(sys.prefix)')" = "$(pwd -P)/$venv" ] \
        && "$venv/bin/python" -c 'import pytest' 2>/dev/null; then
        return
    fi
    "$base" -c 'import ensurepip, venv' 2>/dev/null || apt_install "for a Python environment" python3-venv
    say "creating the Python environment $venv and installing $wanted"
    rm -rf "$venv"
    "$base" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input -r "$wanted" >&2
    stamp "$venv/.stamp" "$wanted"
}

python_3_10() {
    local name
    for name in python3 python; do
        if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

setup-node() {
    need_node
    packages tests/sdk/typescript
}

need_node() {
    have node && have npm || die "Node 20 or newer with npm is missing"
    node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || die "Node is older than 20"
}

# packages FOLDER : what its lock file names.
packages() {
    local folder=$1
    stamped "$folder/node_modules/.stamp" "$folder/package-lock.json" && return
    say "installing the packages of $folder/package-lock.json"
    (cd "$folder" && npm ci --silent --ignore-scripts --no-audit --no-fund </dev/null >&2)
    stamp "$folder/node_modules/.stamp" "$folder/package-lock.json"
}

# The console's files, which the next build of the gateway takes in.
setup-console() {
    need_node
    packages console
    local stamp=console/dist/app/.stamp sources=()
    mapfile -d '' sources < <(find console/src console/public console/scripts console/*.* crates/gateway/src/admin/snapshots -type f ! -name schema.d.ts -print0 | sort -z)
    stamped "$stamp" "${sources[@]}" && return
    say "building the console"
    (cd console && npm run --silent build </dev/null >&2)
    stamp "$stamp" "${sources[@]}"
}

# A browser for the console's tests; Playwright's own are not asked for.
setup-chromium() {
    [ -x "${WAYBILL_CHROMIUM:-}" ] || have chromium || have chromium-browser || have google-chrome || apt_install "for the console's tests" chromium
}

# Tests start servers of their own; `crates/testbed` looks for them in the same places.
setup-services() {
    local missing=()
    have_postgres || missing+=(postgresql)
    have redis-server || [ -x "${WAYBILL_REDIS_BIN:-}/redis-server" ] || missing+=(redis-server)
    [ ${#missing[@]} -eq 0 ] || apt_install_unstarted "for the servers that tests start" "${missing[@]}"
}

have_postgres() {
    local program
    for program in "${WAYBILL_PG_BIN:-}/postgres" /usr/lib/postgresql/*/bin/postgres; do
        [ ! -x "$program" ] || return 0
    done
    have postgres && have initdb && have psql
}

[ $# -gt 0 ] || die "usage: scripts/setup.sh rust|rust-tools|python|node|console|chromium|services …"
for what; do
    case $what in
        rust | rust-tools | python | node | console | chromium | services) "setup-$what" ;;
        *) die "unknown part: $what" ;;
    esac
done
