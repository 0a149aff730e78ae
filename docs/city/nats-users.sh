#!/bin/sh
# Numbers of campuses, one a line, to users.conf: a user for each, by the name in its certificate, that may write and read
# its own topics; and the platform's, with the password of PLATFORM_PASSWORD (as `nats server passwd` makes it of yours: bcrypt).
set -eu
awk -v platform="${PLATFORM_PASSWORD:?the platform\'s, bcrypt or plain}" '
  BEGIN { print "users: [" }
  !/^[0-9]+$/ { print "line " NR ": the number of a campus is digits alone: " $0 > "/dev/stderr"; exit 1 }
  {
    of = "campus.v1." $0
    printf "  { user: \"CN=%s\", permissions: {\n", $0
    printf "    publish: [\"%s.event.>\", \"%s.media.>\", \"%s.state.>\", \"%s.reply.>\", %s.presence, %s.campus, %s.life, %s.identity]\n", of, of, of, of, of, of, of, of
    printf "    subscribe: [%s.ack, \"%s.command.*\", \"%s.notice.*\", %s.identity, \"$MQTT.sub.>\"] } }\n", of, of, of, of
  }
  END {
    printf "  { user: platform, password: \"%s\", permissions: {\n", platform
    print "    publish: [\"campus.v1.*.ack\", \"campus.v1.*.command.>\", \"campus.v1.*.notice.>\", \"$JS.API.>\", \"$JS.ACK.>\"]"
    print "    subscribe: [\"campus.v1.>\", \"_INBOX.>\"] } }"
    print "]"
  }
'
