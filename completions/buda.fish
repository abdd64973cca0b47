# Completion of buda for fish, made from its commands by `buda completion fish`.

# The words that may come next.
function __buda_next
    switch "$argv[1]"
        case ''
            printf '%s\n' produce each put-table query run state dead-letter completion
        case 'produce'
            printf '%s\n' stripe
        case 'state'
            printf '%s\n' list show set remove
        case 'dead-letter'
            printf '%s\n' list show replay
    end
end

# The words of the command so far, as "state list".
function __buda_path
    set -l path ''
    set -l words (commandline -opc)[2..-1]
    test "$words[1]" = help; and set -e words[1]
    for word in $words
        contains -- $word (__buda_next "$path"); or break
        set path (string trim -- "$path $word")
    end
    echo $path
end

function __buda_is
    test (__buda_path) = "$argv[1]"
end

complete -c buda -e
complete -c buda -f
complete -c buda -n "__buda_is ''" -s V -l version -d 'the version'
complete -c buda -s h -l help -d 'show the help'
complete -c buda -n "__buda_is ''" -a produce -d 'stripe'
complete -c buda -n "__buda_is ''" -a each -d 'run any filter, made safe for marks'
complete -c buda -n "__buda_is ''" -a put-table -d 'load records into a table'
complete -c buda -n "__buda_is ''" -a query -d 'ask the warehouse in SQL'
complete -c buda -n "__buda_is ''" -a run -d 'run a whole pipeline in one process'
complete -c buda -n "__buda_is ''" -a state -d 'list, show, set, remove'
complete -c buda -n "__buda_is ''" -a dead-letter -d 'list, show, replay'
complete -c buda -n "__buda_is ''" -a completion -d 'print the completion script of a shell'
complete -c buda -n "__buda_is 'produce'" -a stripe -d "read a Stripe account's events and lists"
complete -c buda -n "__buda_is 'state'" -a list -d 'list the apps and where they stand'
complete -c buda -n "__buda_is 'state'" -a show -d "show an app's checkpoints and counters"
complete -c buda -n "__buda_is 'state'" -a set -d 'move a checkpoint'
complete -c buda -n "__buda_is 'state'" -a remove -d 'forget an app'
complete -c buda -n "__buda_is 'dead-letter'" -a list -d 'count dead letters by step and reason'
complete -c buda -n "__buda_is 'dead-letter'" -a show -d 'print dead letters'
complete -c buda -n "__buda_is 'dead-letter'" -a replay -d 'write rejected lines back, byte for byte'
complete -c buda -n "__buda_is 'produce stripe'" -l backfill -d 'events, then products, prices, coupons, customers and subscriptions (or the lists named) once, then go on with events; does what is due, so that it may stand in every run'
complete -c buda -n "__buda_is 'produce stripe'" -l from -r -F -d 'read events from a file or - (stdin) instead: NDJSON, webhook bodies, pages of a list, plain or gzip'
complete -c buda -n "__buda_is 'produce stripe'" -s f -l follow -d 'go on at the tip, until told to stop'
complete -c buda -n "__buda_is 'produce stripe'" -l poll -x -d 'how often --follow asks'
complete -c buda -n "__buda_is 'produce stripe'" -s e -l exit-at-end -d 'end at the tip; so it does anyway without --follow'
complete -c buda -n "__buda_is 'produce stripe'" -l position -x -d 'where to begin without a checkpoint: beginning, end, a time, or -15m'
complete -c buda -n "__buda_is 'produce stripe'" -l until -x -d 'read what was created before this time, as 2026-11-24T10:00:00Z or -15m'
complete -c buda -n "__buda_is 'produce stripe'" -s n -l count -x -d 'end after so many records'
complete -c buda -n "__buda_is 'produce stripe'" -l overlap -x -d 'how late an object may show up, 10m at least'
complete -c buda -n "__buda_is 'produce stripe'" -l rate -x -d 'requests a second'
complete -c buda -n "__buda_is 'produce stripe'" -l account -x -d 'read this connected account, acct_…, with the key of the platform'
complete -c buda -n "__buda_is 'produce stripe'" -l api-base -x -d "the API (\$STRIPE_API_BASE, else Stripe's own)"
complete -c buda -n "__buda_is 'produce stripe'" -l epoch -x -d 'the records, or the bytes as 8MiB, after which an epoch of --from ends; a page is an epoch otherwise'
complete -c buda -n "__buda_is 'produce stripe'" -l app -x -d 'the name of this pipeline: go on from its checkpoint, and write marks so that the sink commits'
complete -c buda -n "__buda_is 'produce stripe'" -l state -x -d 'where checkpoints are kept: file:DIR ($BUDA_STATE, else the folder state in $BUDA_HOME)'
complete -c buda -n "__buda_is 'produce stripe'" -l dead-letter -r -F -d 'keep what is rejected in this file (or in a stream: local:NAME, kinesis:NAME), with the reason, and go on; without it a bad line ends the step (65)'
complete -c buda -n "__buda_is 'produce stripe'" -l max-dead -x -d 'with --dead-letter: more rejected lines than this, or than this share, end the step (65)'
complete -c buda -n "__buda_is 'produce stripe'" -l max-line -x -d 'the longest line that passes'
complete -c buda -n "__buda_is 'produce stripe'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'produce stripe'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'produce stripe'" -a 'events products prices plans coupons promotion_codes tax_rates shipping_rates product_catalog/trial_offers customers subscriptions subscription_schedules invoices invoiceitems invoice_payments credit_notes charges refunds disputes payment_intents setup_intents setup_attempts checkout/sessions balance_transactions payouts transfers topups application_fees accounts files file_links reviews radar/early_fraud_warnings radar/value_lists issuing/authorizations issuing/cardholders issuing/cards issuing/disputes issuing/tokens issuing/transactions treasury/financial_accounts treasury/transactions treasury/transaction_entries reporting/report_runs'
complete -c buda -n "__buda_is 'each'" -s j -l jobs -x -d 'how many epochs are run side by side; they leave in order'
complete -c buda -n "__buda_is 'each'" -l ok -x -d 'exit codes besides 0 that are no failure, with commas between them: --ok 1 for grep'
complete -c buda -n "__buda_is 'each'" -l dead-letter -r -F -d 'keep what is rejected in this file (or in a stream: local:NAME, kinesis:NAME), with the reason, and go on; without it a bad line ends the step (65)'
complete -c buda -n "__buda_is 'each'" -l max-dead -x -d 'with --dead-letter: more rejected lines than this, or than this share, end the step (65)'
complete -c buda -n "__buda_is 'each'" -l max-line -x -d 'the longest line that passes'
complete -c buda -n "__buda_is 'each'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'each'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'put-table'" -l to -x -d 'the warehouse: duckdb:PATH (default duckdb:$BUDA_HOME/warehouse.duckdb)'
complete -c buda -n "__buda_is 'put-table'" -l key -x -d 'merge by this field; several times for a key of several fields (default id)'
complete -c buda -n "__buda_is 'put-table'" -l append -d 'add every record as it is, and merge nothing'
complete -c buda -n "__buda_is 'put-table'" -l memory -x -d 'what DuckDB may hold in memory; the rest it keeps in files'
complete -c buda -n "__buda_is 'put-table'" -l app -x -d 'insist that the records come under this app, with marks'
complete -c buda -n "__buda_is 'put-table'" -l forward -d 'pass the marks on instead of committing them, for a later step'
complete -c buda -n "__buda_is 'put-table'" -l state -x -d 'where checkpoints are kept: file:DIR ($BUDA_STATE, else the folder state in $BUDA_HOME)'
complete -c buda -n "__buda_is 'put-table'" -l dead-letter -r -F -d 'keep what is rejected in this file (or in a stream: local:NAME, kinesis:NAME), with the reason, and go on; without it a bad line ends the step (65)'
complete -c buda -n "__buda_is 'put-table'" -l max-dead -x -d 'with --dead-letter: more rejected lines than this, or than this share, end the step (65)'
complete -c buda -n "__buda_is 'put-table'" -l max-line -x -d 'the longest line that passes'
complete -c buda -n "__buda_is 'put-table'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'put-table'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'query'" -l to -x -d 'the warehouse: duckdb:PATH (default duckdb:$BUDA_HOME/warehouse.duckdb)'
complete -c buda -n "__buda_is 'query'" -s f -l file -r -F -d 'read the SQL from this file'
complete -c buda -n "__buda_is 'query'" -l format -x -a 'ndjson table' -d 'lines of JSON, or a table for people (default: a table where stdout is a terminal)'
complete -c buda -n "__buda_is 'query'" -l write -d 'let the SQL change the warehouse too'
complete -c buda -n "__buda_is 'query'" -l memory -x -d 'what DuckDB may hold in memory; the rest it keeps in files'
complete -c buda -n "__buda_is 'query'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'query'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'run'" -l dry-run -d 'write what would run, a line for each step, and run nothing'
complete -c buda -n "__buda_is 'run'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'run'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'state list'" -l state -x -d 'where checkpoints are kept: file:DIR ($BUDA_STATE, else the folder state in $BUDA_HOME)'
complete -c buda -n "__buda_is 'state list'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'state list'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'state show'" -l state -x -d 'where checkpoints are kept: file:DIR ($BUDA_STATE, else the folder state in $BUDA_HOME)'
complete -c buda -n "__buda_is 'state show'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'state show'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'state set'" -l source -x -d 'the source, as the state names it; may be left out where the app has one'
complete -c buda -n "__buda_is 'state set'" -l shard -x -d 'the shard, where the source has several'
complete -c buda -n "__buda_is 'state set'" -l state -x -d 'where checkpoints are kept: file:DIR ($BUDA_STATE, else the folder state in $BUDA_HOME)'
complete -c buda -n "__buda_is 'state set'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'state set'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'state remove'" -l state -x -d 'where checkpoints are kept: file:DIR ($BUDA_STATE, else the folder state in $BUDA_HOME)'
complete -c buda -n "__buda_is 'state remove'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'state remove'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'dead-letter list'" -l step -x -d 'only what this step rejected: --step "transform mrr"'
complete -c buda -n "__buda_is 'dead-letter list'" -l reason -x -d 'only where the reason holds this text'
complete -c buda -n "__buda_is 'dead-letter list'" -l since -x -d 'only what was rejected since: 2026-11-24T10:00:00Z, or 15m, 7d ago'
complete -c buda -n "__buda_is 'dead-letter list'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'dead-letter list'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'dead-letter list'" -F
complete -c buda -n "__buda_is 'dead-letter show'" -l step -x -d 'only what this step rejected: --step "transform mrr"'
complete -c buda -n "__buda_is 'dead-letter show'" -l reason -x -d 'only where the reason holds this text'
complete -c buda -n "__buda_is 'dead-letter show'" -l since -x -d 'only what was rejected since: 2026-11-24T10:00:00Z, or 15m, 7d ago'
complete -c buda -n "__buda_is 'dead-letter show'" -l sha256 -x -d 'only the line of this hash, or of a hash that begins so'
complete -c buda -n "__buda_is 'dead-letter show'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'dead-letter show'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'dead-letter show'" -F
complete -c buda -n "__buda_is 'dead-letter replay'" -l step -x -d 'only what this step rejected: --step "transform mrr"'
complete -c buda -n "__buda_is 'dead-letter replay'" -l reason -x -d 'only where the reason holds this text'
complete -c buda -n "__buda_is 'dead-letter replay'" -l since -x -d 'only what was rejected since: 2026-11-24T10:00:00Z, or 15m, 7d ago'
complete -c buda -n "__buda_is 'dead-letter replay'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'dead-letter replay'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'dead-letter replay'" -F
complete -c buda -n "__buda_is 'completion'" -s q -l quiet -d 'say nothing but errors'
complete -c buda -n "__buda_is 'completion'" -s v -l verbose -d 'say more: where things are kept, what was decided'
complete -c buda -n "__buda_is 'completion'" -a 'bash zsh fish'
