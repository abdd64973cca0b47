/** Parsed and written, nothing changed. */
export default (record) => record;
