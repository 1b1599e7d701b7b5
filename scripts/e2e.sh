#!/usr/bin/env bash
# Runs the scenarios for real, as a user would, in a folder of its own, and fails loudly.
# Scenario 3 (host), and the host's share of 5 and 6, do not exist yet and are said to be missing.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/ktrdr-e2e.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
export KTRDR_HOME=$work NO_COLOR=1
unset KTRDR_DATA_DIR KTRDR_MODELS_DIR
cp -r "$root/config" "$work/config"
cd "$work" || exit 1
ktrdr() { node "$root/dist/cli/main.js" "$@"; }
json() { node -e 'let t="";process.stdin.on("data",(d)=>t+=d).on("end",()=>{const r=JSON.parse(t);console.log(String(eval(process.argv[1])))})' "$1"; }

passed=0
failed=0
scenario() { # number, status, figures
  if [ "$2" = 0 ]; then
    passed=$((passed + 1)); echo "scenario $1: pass $3"
  else
    failed=$((failed + 1)); echo "scenario $1: fail $3"
  fi
}

shared=$root/../shared/data
if [ -f "$shared/AAPL_1d.csv" ] && [ -f "$shared/MSFT_1d.csv" ] && [ -f "$shared/GOOGL_1d.csv" ]; then
  echo "bars: AAPL, MSFT, GOOGL of 2024, the mission's commands word for word"
  for symbol in AAPL MSFT GOOGL; do ktrdr data import "$shared/${symbol}_1d.csv" >/dev/null || exit 1; done
  symbols="AAPL MSFT GOOGL"; dates="--start-date 2024-01-01 --end-date 2024-12-31"; rows=252
else
  echo "bars: the sample's AAPL and synthetic SYN1, SYN2 (no bars of MSFT and GOOGL here)"
  ktrdr data sample >/dev/null && ktrdr data sample --symbols SYN1 SYN2 --bars 1260 --timeframe 1d --seed 7 >/dev/null || exit 1
  symbols="AAPL SYN1 SYN2"; dates=""; rows=1260
fi
one=${symbols%% *}
train="ktrdr models train --strategy config/strategies/example.yaml --timeframes 1d"

# 1 and 2: local training, one symbol and three; every bar is accounted for.
for n in 1 2; do
  if [ $n = 1 ]; then list=$one; else list=$symbols; fi
  # shellcheck disable=SC2086
  if $train --symbols $list $dates --json >"result$n.json" 2>"log$n"; then
    sum=$(json 'Object.values(r.data_summary.per_symbol).every((s)=>s.bars===s.train+s.validation+s.test+Object.values(s.dropped).reduce((a,b)=>a+b,0)&&s.bars==='"$rows"')' <"result$n.json")
    figures=$(json '`${r.model_name}, ${r.data_summary.total_samples} samples, ${r.training_metrics.epochs_trained} epochs, ${r.time_receipt.total.toFixed(2)} s`' <"result$n.json")
    [ "$sum" = true ]; scenario $n $? "$figures, every bar counted: $sum"
  else
    scenario $n 1 "$(tail -1 "log$n")"
  fi
done

# 4: what orchestration costs, as a run of some seconds itself recorded it. A wide bound, since machines are noisy; the
# benchmark proper, with its interval, is `npm run bench`.
# shellcheck disable=SC2086
$train --symbols $symbols $dates --epochs 500 --json >result4.json 2>log4
share=$(json 'r.time_receipt.orchestration_share' <result4.json)
node -e "process.exit(Number('$share') < 0.1 ? 0 : 1)"; scenario 4 $? "share of orchestration in training: $share"

# 5: cancel a running training from another shell.
# shellcheck disable=SC2086
$train --symbols $one $dates --epochs 100000 >/dev/null 2>log5 &
run=$!
for _ in $(seq 200); do id=$(sed -n 's/^Operation //p' log5); grep -q '^Epoch' log5 && break; sleep 0.05; done
latency=$(ktrdr operations cancel "$id" --json 2>&1 | tr -d '\n')
wait $run; status=$?
state=$(ktrdr operations list --json | json 'r.find((o)=>o.operation_id==="'"$id"'").status')
left=$(find models -name '.tmp-*' | wc -l)
[ $status = 130 ] && [ "$state" = cancelled ] && [ "$left" = 0 ]
scenario 5 $? "state $state, exit $status, temporary folders left $left, $latency"

# 6: list, load, test: finite, plausible probabilities; the test result is the one of training.
ok=1; figures=""
if ktrdr models list --json >list.json && ktrdr models test example --symbol "$one" --timeframe 1d --json >test.json 2>/dev/null &&
  ktrdr models predict example --symbol "$one" --timeframe 1d --json >predict.json 2>/dev/null; then
  models=$(json 'r.length' <list.json)
  sum=$(json 'Object.values(r[0].probabilities).reduce((a,b)=>a+b,0)' <predict.json)
  loss=$(json 'r.test_loss' <test.json)
  node -e "process.exit($models === 3 && Math.abs($sum - 1) < 1e-6 && $loss > 0 && $loss < 5 ? 0 : 1)" && ok=0
  figures="$models models, probabilities sum to $sum, loss $loss"
fi
scenario 6 $ok "$figures"

echo "scenario 3 (host) and the host's share of 5 and 6: not yet"
echo "$passed/$((passed + failed)) of the scenarios that exist passed"
[ $failed = 0 ]
