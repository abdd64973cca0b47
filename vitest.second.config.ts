import { defineConfig } from 'vitest/config';

/** The second suite: what needs more than npm (mandoc, man, zsh, fish, git). `npm run test:second` */
export default defineConfig({
  test: {
    include: ['test/second/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
