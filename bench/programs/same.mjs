/** Nothing changed. */
export default (record) => record;
