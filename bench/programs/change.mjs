/** Adds a field. */
export default (record) => {
  record.is_seen = true;
  return record;
};
