# Builds what the examples find around them, by buda itself: the streams, the tables, the files, and two apps that have run.
# A sandbox of Stripe runs, named by STRIPE_API_BASE and STRIPE_API_KEY; dump.ndjson is the archive of its events.
set -euo pipefail
buda produce stripe --from dump.ndjson --app billing -q | buda transform mrr -q | buda put-stream mrr_movements -q
buda produce stripe --app billing -e -q | buda transform mrr -q | buda put-stream mrr_movements -q
buda produce stripe --from dump.ndjson -q | buda put-stream stripe_events -q
buda put-stream tracking_events -q < events.ndjson
buda get-stream tracking_events --app pages -e -q | buda each -q --ok 1 -- grep page_viewed | buda put-stream page_views -q
buda get-stream mrr_movements -e -q > movements.ndjson
buda transform mrr --months -q < dump.ndjson > months.ndjson
buda put-table mrr_movements -q < movements.ndjson
