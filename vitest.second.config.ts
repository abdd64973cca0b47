import { defineConfig } from 'vitest/config';

/** The second suite: what needs more than npm (mandoc, man, zsh, fish, git). `npm run test:second` */
export default defineConfig({
  test: {
    include: ['test/second/**/*.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 900_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
