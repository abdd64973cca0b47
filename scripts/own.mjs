/** What a user's function may look like: the build runs it, so that what reads its source is compiled. */
export default ({ id, a }) => {
  const record = { id, ...a };
  return record.id === undefined ? null : [record];
};
