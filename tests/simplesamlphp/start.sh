#!/usr/bin/env bash
# A SAML identity provider made of SimpleSAMLphp, as Debian packages it. People are anna and ben, whose password is secret.
# Arguments: its port, the URL of the service's metadata (fetched when it is needed; `POST /control/service
# {"metadata": "…"}` names another one), and what is signed: both (or none given), assertion or response.
# It becomes PHP, so that whoever kills it kills the server; it says in one line of JSON where its metadata is.
set -euo pipefail
port=$1 service=$2 signed=${3:-both}
here=$(cd "$(dirname "$0")" && pwd)
parent=$PPID

folder=$(mktemp -d)
export SIMPLESAMLPHP_CONFIG_DIR=$here/config PROVIDER_FOLDER=$folder PROVIDER_SIGNS=$signed
export PROVIDER_ORIGIN=http://127.0.0.1:$port
metadata=$PROVIDER_ORIGIN/saml2/idp/metadata.php
printf '%s' "$service" >"$folder/service"
openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 30 -subj /CN=SimpleSAMLphp \
    -keyout "$folder/provider.key" -out "$folder/provider.crt" 2>/dev/null

answers() { php -r 'exit(@file_get_contents($argv[1]) === false ? 1 : 0);' "$metadata"; }
lives() { kill -0 "$$" 2>/dev/null && kill -0 "$parent" 2>/dev/null; }

# Outlives the server, however that ends; the server does not outlive who started it.
watch() {
    while lives && ! answers; do sleep 0.1; done
    if lives; then printf '{"listening": %s, "metadata": "%s"}\n' "$port" "$metadata"; fi
    exec >/dev/null 2>&1
    while lives; do sleep 0.2; done
    kill "$$" || true
    rm -rf "$folder"
}
watch &

exec php -q -S "127.0.0.1:$port" -t /usr/share/simplesamlphp/www "$here/router.php" >/dev/null
