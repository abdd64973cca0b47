/** Ten questions to tracking events, in SQL and for jq: filters, projections, counts. */
const whole = '--block 1000000000';
export const queries = [
  {
    name: 'one type, four fields',
    sql: `SELECT id, type, user_id, created_at FROM input WHERE type = 'plan_changed'`,
    jq: `select(.type == "plan_changed") | {id, type, user_id, created_at}`,
  },
  {
    name: 'records by two fields',
    sql: `SELECT record FROM input WHERE type = 'page_viewed' AND email = 'ada@example.com'`,
    jq: `select(.type == "page_viewed" and .email == "ada@example.com")`,
  },
  {
    name: 'records of a time',
    sql: `SELECT record FROM input WHERE created_at >= '2026-11-24T12:00:00Z' AND created_at < '2026-11-24T12:10:00Z'`,
    jq: `select(.created_at >= "2026-11-24T12:00:00Z" and .created_at < "2026-11-24T12:10:00Z")`,
  },
  {
    name: 'one of three types',
    sql: `SELECT id, user_id AS "user" FROM input WHERE type IN ('plan_changed', 'trial_started', 'post_created')`,
    jq: `select(.type == ("plan_changed", "trial_started", "post_created")) | {id, user: .user_id}`,
  },
  {
    name: 'two fields of all',
    sql: 'SELECT id, type FROM input',
    jq: '{id, type}',
  },
  {
    name: 'a pattern',
    sql: `SELECT id, email FROM input WHERE email LIKE 'fr%'`,
    jq: `select(.email | startswith("fr")) | {id, email}`,
  },
  {
    name: 'a nested number',
    sql: `SELECT id, properties.n AS n FROM input WHERE (properties->>'n')::INT >= 900`,
    jq: `select(.properties.n >= 900) | {id, n: .properties.n}`,
  },
  {
    name: 'counts by type',
    sql: 'SELECT type, count(*) AS n FROM input GROUP BY type',
    jq: `reduce inputs as $r ({}; .[$r.type] += 1) | to_entries[] | {type: .key, n: .value}`,
    options: whole,
    jqOptions: '-n',
  },
  {
    name: 'users by type',
    sql: 'SELECT type, count(DISTINCT user_id) AS users FROM input GROUP BY type',
    jq: `reduce inputs as $r ({}; .[$r.type][$r.user_id] = 1) | to_entries[] | {type: .key, users: (.value | length)}`,
    options: whole,
    jqOptions: '-n',
  },
  {
    name: 'sums by a nested field',
    sql: `SELECT properties->>'path' AS path, sum((properties->>'ms')::DOUBLE) AS ms FROM input GROUP BY path`,
    jq: `reduce inputs as $r ({}; .[$r.properties.path] += $r.properties.ms) | to_entries[] | {path: .key, ms: .value}`,
    options: whole,
    jqOptions: '-n',
  },
];
