#!/bin/sh
# The delivery pipeline of {{name}} {{version}}, for any CI. It needs nbfaas, Docker, and
# NBFAAS_REGISTRY=host:port/prefix.
#   sh ci.sh             where it is built: test, deploy, push
#   sh ci.sh canary 10   where it is served: a tenth of the requests to prod
#   sh ci.sh promote     … all of them
#   sh ci.sh rollback    … back to where prod led before
set -eu
cd "$(dirname "$0")"

case "${1:-build}" in
build)
    nbfaas test . --junit junit.xml
    nbfaas deploy . --alias dev
    nbfaas push {{name}}:{{version}}
    ;;
canary)
    nbfaas pull {{name}}:{{version}}
    nbfaas alias {{name}} prod --canary {{version}} --percent "${2:-10}"
    ;;
promote)
    nbfaas pull {{name}}:{{version}}
    nbfaas alias {{name}} prod {{version}}
    ;;
rollback)
    nbfaas rollback {{name}} prod
    ;;
*)
    echo "there is no step '$1': build, canary, promote, rollback" >&2
    exit 2
    ;;
esac
