#!/bin/sh
# Numbers of campuses, one a line, to a file for `rabbitmqctl import_definitions`: a user for each, without a password (it
# comes with its certificate), that may write and read its own topics, and have the queues of its own session. Longer than 255
# bytes no topic may be: MQTT knows such, AMQP does not, and one of them ends each connection of the platform.
set -eu
awk '
  !/^[0-9]+$/ { print "line " NR ": the number of a campus is digits alone: " $0 > "/dev/stderr"; exit 1 }
  {
    users = users sep sprintf("{\"name\":\"%s\",\"password_hash\":\"\",\"hashing_algorithm\":\"rabbit_password_hashing_sha256\",\"tags\":\"\"}", $0)
    queue = "mqtt-subscription-" $0 "-[^.]*qos[01]"
    mine = "^(amq\\\\.topic|" queue ")$"
    permissions = permissions sep sprintf("{\"user\":\"%s\",\"vhost\":\"/\",\"configure\":\"^%s$\",\"write\":\"%s\",\"read\":\"%s\"}", $0, queue, mine, mine)
    own = "campus\\\\.v1\\\\." $0 "\\\\."
    write = "^(?=.{1,255}$)" own "(event\\\\..+|media\\\\..+|state\\\\..+|reply\\\\..+|presence|campus|life|identity)$"
    read = "^" own "(ack|identity|command\\\\..+|notice\\\\..+)$"
    topics = topics sep sprintf("{\"user\":\"%s\",\"vhost\":\"/\",\"exchange\":\"amq.topic\",\"write\":\"%s\",\"read\":\"%s\"}", $0, write, read)
    sep = ",\n"
  }
  END { printf "{\"users\":[%s],\n\"permissions\":[%s],\n\"topic_permissions\":[%s]}\n", users, permissions, topics }
'
