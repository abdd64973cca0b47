import { parse, type Spec, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** What a picture shows: a specification of vega-lite. */
export type Picture = TopLevelSpec;

/** Draws it as SVG, without a browser: the same input gives the same bytes. */
export async function drawSvg(picture: Picture): Promise<string> {
  const warnings: string[] = [];
  const warn = (...words: readonly unknown[]) => {
    warnings.push(words.join(' '));
    return logger;
  };
  const logger = { level: () => logger, error: warn, warn, info: () => logger, debug: () => logger } as never;
  const view = new View(parse(compile(picture, { logger }).spec as Spec), { renderer: 'none', logger });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}
