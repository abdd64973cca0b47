# Builds what the examples find around them, by buda itself. A sandbox of Stripe runs, named by STRIPE_API_BASE and STRIPE_API_KEY;
# its archive is dump.ndjson.
set -euo pipefail
buda produce stripe --from dump.ndjson | buda put-stream stripe_events -q
buda produce stripe --from dump.ndjson --app billing -q | buda transform mrr -q | buda put-stream mrr_movements -q
buda put-stream tracking_events -q < events.ndjson
buda get-stream mrr_movements -e -q > movements.ndjson
buda transform mrr --months -q < dump.ndjson > months.ndjson
buda get-stream mrr_movements --app warehouse -e -q | buda put-table mrr_movements -q
