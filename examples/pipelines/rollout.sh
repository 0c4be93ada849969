#!/bin/sh
# One run of a pipeline: sets the wanted revision, then drives the rollout.
#   sh rollout.sh STACK --until-done --for 50m    as far as the time of a run allows
#   sh rollout.sh STACK --once                    what is due now
# Every line of rollout.jsonl is one JSON object (docs/json-output.schema.json).
set -eu
stack=$1
shift

# a plain update moves no request: it only says what is wanted
pulumi up --yes --skip-preview --non-interactive --stack "$stack"

code=0
npx upramp --json --stack "$stack" run "$@" > rollout.jsonl || code=$?
case $code in
  0) echo "promoted, or nothing to do" ;;
  5) echo "another run drives this rollout" ;;
  6) echo "not finished: the next run goes on" ;;
  *)
    tail -n 1 rollout.jsonl
    exit "$code"
    ;;
esac
