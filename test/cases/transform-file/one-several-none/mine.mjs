export default async ({ id, items, ...rest }) => {
  if (items === undefined) return undefined;
  return items.map((item, i) => ({ id: `${id}_${i + 1}`, item, ...rest }));
};
