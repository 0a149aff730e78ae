#!/bin/sh
# A small authority for a city, with openssl alone. Its folder (CA, default ./ca) belongs on a machine that is not on the
# network; what leaves it is *.crt, *.crl, and the keys that it made. CA_PASSWORD is what its key is encrypted with, or PASS
# says where that is (file:FILE, as openssl's -passin).
#
#   ca.sh init                  once: the key of the authority, its certificate for 20 years
#   ca.sh broker NAME...        a key and a certificate for a broker: all its names and addresses, first its own
#   ca.sh campus NUMBER         a key and a certificate for a campus; CN is its number
#   ca.sh sign NUMBER FILE.csr  a certificate for a key that never left the campus; what name FILE asks for does not count
#   ca.sh withdraw NUMBER       every certificate of a campus; then take ca.crl to the brokers
#   ca.sh crl                   the list of what is withdrawn, good for 30 days: from cron, each week
#   ca.sh ending DAYS           campuses whose newest certificate ends within so many days
#
# A renewal is `campus` or `sign` again: the old one stays good until it ends, so that nothing stops between the two.
set -eu
umask 077
CA=${CA:-ca}
DAYS=${DAYS:-825}
PASS=${PASS:-env:CA_PASSWORD}

config() {
  cat > "$CA/openssl.cnf" <<END
[ca]
default_ca = city
[city]
dir = $CA
new_certs_dir = $CA/issued
database = $CA/index.txt
serial = $CA/serial
crlnumber = $CA/crlnumber
certificate = $CA/ca.crt
private_key = $CA/ca.key
default_md = sha256
default_crl_days = 30
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:true, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
END
}

# A certificate for the key in $1.key or the request $3; $2: what it is for.
issue() {
  name=$1 extensions=$2 request=${3:-}
  if [ -z "$request" ]; then
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config "$CA/openssl.cnf" \
      -subj "/CN=$name" -keyout "$CA/$name.key" -out "$CA/$name.csr" 2>/dev/null
    request=$CA/$name.csr
  fi
  printf '%s\n' "$extensions" 'basicConstraints = critical, CA:false' 'keyUsage = critical, digitalSignature' \
    'subjectKeyIdentifier = hash' 'authorityKeyIdentifier = keyid' > "$CA/extensions"
  # Half a day early: the clock of a new gateway may be slow.
  openssl ca -batch -notext -config "$CA/openssl.cnf" -passin "$PASS" -extfile "$CA/extensions" -subj "/CN=$name" -in "$request" \
    -startdate "$(date -u -d '12 hours ago' +%Y%m%d%H%M%SZ)" -enddate "$(date -u -d "$DAYS days" +%Y%m%d%H%M%SZ)" \
    -out "$CA/$name.crt" 2>"$CA/said" || { cat "$CA/said" >&2; exit 1; }
}

number() {
  case $1 in *[!0-9]* | '') echo "$1: the number of a campus is digits alone" >&2 && exit 2 ;; esac
}

crl() {
  openssl ca -config "$CA/openssl.cnf" -passin "$PASS" -gencrl -out "$CA/ca.crl" 2>/dev/null
}

command=${1:-}
[ $# -gt 0 ] && shift
case $command in
init)
  [ ! -e "$CA/ca.key" ] || { echo "$CA/ca.key is there already" >&2 && exit 1; }
  mkdir -p "$CA/issued"
  config
  touch "$CA/index.txt"
  openssl rand -hex 16 > "$CA/serial"
  echo 01 > "$CA/crlnumber"
  openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-384 -aes-256-cbc -pass "$PASS" -out "$CA/ca.key"
  openssl req -x509 -new -key "$CA/ca.key" -passin "$PASS" -config "$CA/openssl.cnf" -extensions authority -days 7300 \
    -subj '/CN=Campus Gateway city CA' -out "$CA/ca.crt"
  crl
  ;;
broker)
  names=''
  for name; do
    case $name in *[!0-9.]*) names="$names,DNS:$name" ;; *) names="$names,IP:$name" ;; esac
  done
  # Nodes of a cluster are each other's clients.
  issue "$1" "subjectAltName = ${names#,}
extendedKeyUsage = serverAuth, clientAuth"
  ;;
campus)
  number "$1"
  issue "$1" 'extendedKeyUsage = clientAuth'
  ;;
sign)
  number "$1"
  issue "$1" 'extendedKeyUsage = clientAuth' "$2"
  ;;
withdraw)
  number "$1"
  awk -F '\t' -v name="/CN=$1" '$1 == "V" && $6 == name { print $4 }' "$CA/index.txt" | while read -r serial; do
    openssl ca -config "$CA/openssl.cnf" -passin "$PASS" -revoke "$CA/issued/$serial.pem" 2>/dev/null
  done
  crl
  ;;
crl) crl ;;
ending)
  # Dates of the index are YYMMDDHHMMSSZ: of one campus the last one counts.
  by=$(date -u -d "$1 days" +%y%m%d%H%M%SZ)
  awk -F '\t' -v by="$by" '$1 == "V" && $6 ~ /^\/CN=[0-9]+$/ { if ($2 > ends[$6]) ends[$6] = $2 }
    END { for (name in ends) if (ends[name] < by) print substr(name, 5), ends[name] }' "$CA/index.txt" | sort
  ;;
*) sed -n 's/^#   //p' "$0" >&2 && exit 2 ;;
esac
