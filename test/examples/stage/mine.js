// Keeps what people did, without who they are. Undefined leaves a record out, an array makes several of one.
export default (record) => {
  if (record.type === 'signed_out') return undefined;
  const { email, ...rest } = record;
  return rest;
};
