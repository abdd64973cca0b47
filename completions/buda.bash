# Completion of buda for bash, made from its commands by `buda completion bash`.

# The words that may come next.
_buda_next() {
  case $1 in
    '') echo 'produce transform each put-stream get-stream put-firehose put-s3 put-table query run stream state dead-letter chart sandbox completion' ;;
    'produce') echo 'stripe' ;;
    'transform') echo 'mrr flatten validate dedupe hash sql' ;;
    'stream') echo 'list describe delete' ;;
    'state') echo 'list show set remove' ;;
    'dead-letter') echo 'list show replay' ;;
    'sandbox') echo 'stripe' ;;
  esac
}

_buda_options() {
  case $1 in
    'produce stripe') echo '-h --backfill --from -f --follow --poll -e --exit-at-end --position --until -n --count --overlap --rate --account --api-base --epoch --app --state --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'transform mrr') echo '-h --preset --churn-at --past-due-grace --pause-collection --discounts --coalesce --reactivation-window --backdate --day-factor --week-factor --customer-map --as-of --months --by --tz --trials --trial-offers --inclusive-tax --rebuild --strict --state --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'transform flatten') echo '-h --separator --depth --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'transform validate') echo '-h --schema --type-field --unknown --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'transform dedupe') echo '-h --key --window --time --memory --rebuild --state --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'transform hash') echo '-h --field --key-file --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'transform sql') echo '-h --columns --table --block --memory --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'transform') echo '-h --concurrency --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'each') echo '-h -j --jobs --ok --timeout --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'put-stream') echo '-h --key --shards --retention --max-size --aggregate --app --forward --state --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'get-stream') echo '-h --position -e --exit-at-end -f --follow -n --count --until --dedupe --window --time --memory --rebuild --epoch --app --state --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'put-firehose') echo '-h --app --forward --state --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'put-s3') echo '-h --time --partition --gzip --object-size --app --forward --state --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'put-table') echo '-h --to --key --append --memory --app --forward --state --dead-letter --max-dead --max-line -q --quiet -v --verbose' ;;
    'query') echo '-h --to --file --format --write --memory -q --quiet -v --verbose' ;;
    'run') echo '-h --dry-run -q --quiet -v --verbose' ;;
    'stream list') echo '-h -q --quiet -v --verbose' ;;
    'stream describe') echo '-h --state -q --quiet -v --verbose' ;;
    'stream delete') echo '-h --state -q --quiet -v --verbose' ;;
    'state list') echo '-h --state -q --quiet -v --verbose' ;;
    'state show') echo '-h --state -q --quiet -v --verbose' ;;
    'state set') echo '-h --source --shard --state -q --quiet -v --verbose' ;;
    'state remove') echo '-h --state -q --quiet -v --verbose' ;;
    'dead-letter list') echo '-h --step --reason --since -q --quiet -v --verbose' ;;
    'dead-letter show') echo '-h --step --reason --since --sha256 -q --quiet -v --verbose' ;;
    'dead-letter replay') echo '-h --step --reason --since -q --quiet -v --verbose' ;;
    'chart') echo '-h --x --y --series --type --title --divide --svg --max-line -q --quiet -v --verbose' ;;
    'sandbox stripe') echo '-h --port --seed --customers --months --now --pace --events --truth --no-serve --rate-limit --fail -q --quiet -v --verbose' ;;
    'completion') echo '-h -q --quiet -v --verbose' ;;
  esac
}

# What an argument of the command may be.
_buda_arguments() {
  case $1 in
    'produce stripe') echo 'events products prices plans coupons promotion_codes tax_rates shipping_rates product_catalog/trial_offers customers subscriptions subscription_schedules invoices invoiceitems invoice_payments credit_notes charges refunds disputes payment_intents setup_intents setup_attempts checkout/sessions balance_transactions payouts transfers topups application_fees accounts files file_links reviews radar/early_fraud_warnings radar/value_lists issuing/authorizations issuing/cardholders issuing/cards issuing/disputes issuing/tokens issuing/transactions treasury/financial_accounts treasury/transactions treasury/transaction_entries reporting/report_runs' ;;
    'transform') echo :files: ;;
    'stream list') echo 'local kinesis' ;;
    'dead-letter list') echo :files: ;;
    'dead-letter show') echo :files: ;;
    'dead-letter replay') echo :files: ;;
    'completion') echo 'bash zsh fish' ;;
  esac
}

# What the value of an option may be; fails where the word is no option with a value.
_buda_values() {
  case $1 in
    'produce stripe --from') echo :files: ;;
    'produce stripe --poll') : ;;
    'produce stripe --position') : ;;
    'produce stripe --until') : ;;
    'produce stripe --count'|'produce stripe -n') : ;;
    'produce stripe --overlap') : ;;
    'produce stripe --rate') : ;;
    'produce stripe --account') : ;;
    'produce stripe --api-base') : ;;
    'produce stripe --epoch') : ;;
    'produce stripe --app') : ;;
    'produce stripe --state') : ;;
    'produce stripe --dead-letter') echo :files: ;;
    'produce stripe --max-dead') : ;;
    'produce stripe --max-line') : ;;
    'transform mrr --preset') echo 'stripe chartmogul baremetrics profitwell' ;;
    'transform mrr --churn-at') echo 'ended requested' ;;
    'transform mrr --past-due-grace') : ;;
    'transform mrr --pause-collection') echo 'counts zero' ;;
    'transform mrr --discounts') echo 'recurring all forever none' ;;
    'transform mrr --coalesce') : ;;
    'transform mrr --reactivation-window') : ;;
    'transform mrr --backdate') echo 'created start_date' ;;
    'transform mrr --day-factor') : ;;
    'transform mrr --week-factor') : ;;
    'transform mrr --customer-map') echo :files: ;;
    'transform mrr --as-of') : ;;
    'transform mrr --by') echo 'plan interval customer' ;;
    'transform mrr --tz') : ;;
    'transform mrr --trials') echo 'excluded' ;;
    'transform mrr --trial-offers') echo 'excluded' ;;
    'transform mrr --inclusive-tax') echo 'excluded' ;;
    'transform mrr --state') : ;;
    'transform mrr --dead-letter') echo :files: ;;
    'transform mrr --max-dead') : ;;
    'transform mrr --max-line') : ;;
    'transform flatten --separator') : ;;
    'transform flatten --depth') : ;;
    'transform flatten --dead-letter') echo :files: ;;
    'transform flatten --max-dead') : ;;
    'transform flatten --max-line') : ;;
    'transform validate --schema') echo :files: ;;
    'transform validate --type-field') : ;;
    'transform validate --unknown') echo 'reject pass' ;;
    'transform validate --dead-letter') echo :files: ;;
    'transform validate --max-dead') : ;;
    'transform validate --max-line') : ;;
    'transform dedupe --key') : ;;
    'transform dedupe --window') : ;;
    'transform dedupe --time') : ;;
    'transform dedupe --memory') : ;;
    'transform dedupe --state') : ;;
    'transform dedupe --dead-letter') echo :files: ;;
    'transform dedupe --max-dead') : ;;
    'transform dedupe --max-line') : ;;
    'transform hash --field') : ;;
    'transform hash --key-file') echo :files: ;;
    'transform hash --dead-letter') echo :files: ;;
    'transform hash --max-dead') : ;;
    'transform hash --max-line') : ;;
    'transform sql --columns') : ;;
    'transform sql --table') : ;;
    'transform sql --block') : ;;
    'transform sql --memory') : ;;
    'transform sql --dead-letter') echo :files: ;;
    'transform sql --max-dead') : ;;
    'transform sql --max-line') : ;;
    'transform --concurrency') : ;;
    'transform --dead-letter') echo :files: ;;
    'transform --max-dead') : ;;
    'transform --max-line') : ;;
    'each --jobs'|'each -j') : ;;
    'each --ok') : ;;
    'each --timeout') : ;;
    'each --dead-letter') echo :files: ;;
    'each --max-dead') : ;;
    'each --max-line') : ;;
    'put-stream --key') : ;;
    'put-stream --shards') : ;;
    'put-stream --retention') : ;;
    'put-stream --max-size') : ;;
    'put-stream --app') : ;;
    'put-stream --state') : ;;
    'put-stream --dead-letter') echo :files: ;;
    'put-stream --max-dead') : ;;
    'put-stream --max-line') : ;;
    'get-stream --position') : ;;
    'get-stream --count'|'get-stream -n') : ;;
    'get-stream --until') : ;;
    'get-stream --window') : ;;
    'get-stream --time') : ;;
    'get-stream --memory') : ;;
    'get-stream --epoch') : ;;
    'get-stream --app') : ;;
    'get-stream --state') : ;;
    'get-stream --dead-letter') echo :files: ;;
    'get-stream --max-dead') : ;;
    'get-stream --max-line') : ;;
    'put-firehose --app') : ;;
    'put-firehose --state') : ;;
    'put-firehose --dead-letter') echo :files: ;;
    'put-firehose --max-dead') : ;;
    'put-firehose --max-line') : ;;
    'put-s3 --time') : ;;
    'put-s3 --partition') : ;;
    'put-s3 --object-size') : ;;
    'put-s3 --app') : ;;
    'put-s3 --state') : ;;
    'put-s3 --dead-letter') echo :files: ;;
    'put-s3 --max-dead') : ;;
    'put-s3 --max-line') : ;;
    'put-table --to') : ;;
    'put-table --key') : ;;
    'put-table --memory') : ;;
    'put-table --app') : ;;
    'put-table --state') : ;;
    'put-table --dead-letter') echo :files: ;;
    'put-table --max-dead') : ;;
    'put-table --max-line') : ;;
    'query --to') : ;;
    'query --file') echo :files: ;;
    'query --format') echo 'ndjson table' ;;
    'query --memory') : ;;
    'stream describe --state') : ;;
    'stream delete --state') : ;;
    'state list --state') : ;;
    'state show --state') : ;;
    'state set --source') : ;;
    'state set --shard') : ;;
    'state set --state') : ;;
    'state remove --state') : ;;
    'dead-letter list --step') : ;;
    'dead-letter list --reason') : ;;
    'dead-letter list --since') : ;;
    'dead-letter show --step') : ;;
    'dead-letter show --reason') : ;;
    'dead-letter show --since') : ;;
    'dead-letter show --sha256') : ;;
    'dead-letter replay --step') : ;;
    'dead-letter replay --reason') : ;;
    'dead-letter replay --since') : ;;
    'chart --x') : ;;
    'chart --y') : ;;
    'chart --series') : ;;
    'chart --type') echo 'line bar' ;;
    'chart --title') : ;;
    'chart --divide') : ;;
    'chart --svg') echo :files: ;;
    'chart --max-line') : ;;
    'sandbox stripe --port') : ;;
    'sandbox stripe --seed') : ;;
    'sandbox stripe --customers') : ;;
    'sandbox stripe --months') : ;;
    'sandbox stripe --now') : ;;
    'sandbox stripe --pace') : ;;
    'sandbox stripe --events') echo :files: ;;
    'sandbox stripe --truth') echo :files: ;;
    'sandbox stripe --rate-limit') : ;;
    'sandbox stripe --fail') : ;;
    *) return 1 ;;
  esac
}

_buda() {
  local IFS=$' \t\n' cur=${COMP_WORDS[COMP_CWORD]} path='' word i found
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -- ]]; then
      COMPREPLY=($(compgen -c -- "$cur"))
      return
    fi
    [[ $word == help && $i == 1 ]] && continue
    [[ " $(_buda_next "$path") " == *" $word "* ]] && path=${path:+$path }$word
  done
  if [[ $COMP_CWORD -gt 1 ]] && found=$(_buda_values "$path ${COMP_WORDS[COMP_CWORD - 1]}"); then
    :
  elif [[ $cur == -* ]]; then
    found=$(_buda_options "$path")
  else
    found="$(_buda_next "$path") $(_buda_arguments "$path")"
  fi
  COMPREPLY=($(compgen -W "${found//:files:/}" -- "$cur"))
  if [[ $found == *:files:* ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
  fi
}

complete -F _buda buda
