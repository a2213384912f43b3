# Stops a server and removes its folder once its owner is gone: watchdog.sh FOLDER SIGNAL
#
# Standard input tells the process ids of one server after another, 0 when there is none. It ends when
# the owner does, and every server that has not yet told its id.
trap '' HUP INT TERM

# Whether a process does anything any more; one that nobody has reaped does not.
alive() {
    case $(cat "/proc/$1/stat" 2>/dev/null) in
    '' | *') Z '*) return 1 ;;
    esac
}

server=0
while read -r told; do server=$told; done

if [ "$server" -gt 0 ]; then
    kill -s "$2" "$server"
    # It may have been suspended.
    kill -s CONT "$server"
    looks=0
    while alive "$server" && [ "$looks" -lt 400 ]; do
        sleep 0.05
        looks=$((looks + 1))
    done
    alive "$server" && kill -s KILL "$server"
fi

# A PostgreSQL that was killed leaves a piece of shared memory, and in its lock file its number.
segment=$(sed -n '7s/.* //p' "$1/data/postmaster.pid" 2>/dev/null)
[ -z "$segment" ] || ipcrm -m "$segment"

# A process that is only just ending may still write a file.
looks=0
until rm -rf "$1" || [ "$looks" -ge 20 ]; do
    sleep 0.05
    looks=$((looks + 1))
done
