export default ({ id, user }) => ({ id, plan: user.plan.name });
