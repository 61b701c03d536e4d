#!/bin/sh
# /usr/local/lib/lcw/@@name@@ (owner root, mode 0755): one export, started by cron.
#
# Once:  useradd --system --home-dir /var/lib/lcw @@user@@
#        install -d -o @@user@@ -m 0750 /var/lib/lcw /var/log/lcw
# Secrets are not here: cron has no environment, so the pipeline file names the file that holds the
# secret (client_secret_file), which only @@user@@ may read.
set -u
umask 027
name=@@name@@
logs=${LCW_LOGS:-/var/log/lcw}
alert=${LCW_ALERT:-@@alert@@}

# Cron starts everybody at the same second; Microsoft Graph is asked a little later.
jitter=${LCW_JITTER:-@@jitter_seconds@@}
if [ "$jitter" -gt 0 ]; then
  sleep "$(($(od -An -N2 -tu2 /dev/urandom) % jitter))"
fi

@@program@@ @@words@@ \
  >>"$logs/$name.json" 2>>"$logs/$name.log"
code=$?

case $code in
  0) exit 0 ;;
  75) exit 0 ;;       # another export is at work: lcw locks its dataset by itself
  130 | 143) exit 0 ;; # stopped by a signal; the next one continues
  2) why='the command line, pipeline file or folder is wrong' ;;
  3) why='no credentials, or a permission is missing' ;;
  4) why='partial: some could not be fetched' ;;
  5) why='committed, but not proven complete, or days were lost' ;;
  7) why='not done by the deadline' ;;
  *) why='failed' ;;
esac
echo "$name: $why (exit code $code); see $logs/$name.log" >&2
if [ -x "$alert" ]; then
  "$alert" "$code" "$name: $why"
fi
exit "$code"
