export default ({ type, ...record }) => ({ ...record, kind: type, is_seen: true });
