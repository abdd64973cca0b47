// The marks of an app's pipe, for generators.
export const formatBegin = (app, at = 0, from = '0') =>
  `["buda.begin",1,{"app":"${app}","source":"bench","run":"${app}","term":1,"at":${at},"from":{"":"${from}"}}]\n`;
export const formatMark = (to, count) => `["buda.mark",1,{"to":"${to}","c":[["bench",0,${count},0]]}]\n`;
export const formatEnd = () => '["buda.end",1,{"exit":0}]\n';
