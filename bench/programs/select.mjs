/** One record in ten, four fields of it. */
export default ({ id, type, user_id, created_at }) => (type === 'plan_changed' ? { id, type, user_id, created_at } : undefined);
