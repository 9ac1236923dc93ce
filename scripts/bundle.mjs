// What is started for its own sake, each as one CommonJS file: a start is counted in milliseconds, and Node needs some
// twenty of them for its ES module loader and as many files.
import { basename, resolve } from 'node:path'
import { build } from 'esbuild'

const partOf = ({ kind, path, importer }) =>
  kind === 'dynamic-import' && /\/src\/(cli|store)\//.test(importer)
    ? { path: `./${basename(path, '.ts')}.cjs`, external: true }
    : undefined

await build({
  entryPoints: {
    // The command line in parts: what most starts need is in two.
    'cli/main': 'src/cli/main.ts',
    'cli/jobserver': 'src/cli/bundles/jobserver.ts',
    'cli/named-pool': 'src/cli/bundles/named-pool.ts',
    'cli/more': 'src/cli/bundles/more.ts',
    'cli/job': 'src/cli/job/job.ts',
    'cli/job-more': 'src/cli/job/job-more.ts',
    'cli/open': 'src/store/open.ts',
    'cli/work': 'src/cli/job/commands/work.ts',
    // What a worker process runs before its module.
    'worker/preload': 'src/worker/inside/preload.ts',
    // The broker of a named pool.
    'broker/broker': 'src/broker/broker-process.ts',
  },
  outdir: 'dist',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  // Less to read at each start; names stay, for the sake of stack traces.
  minifyWhitespace: true,
  minifySyntax: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['node-gyp-build'],
  alias: { 'node:worker_threads': resolve('src/cli/bundles/main-thread.ts') },
  define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
  // What is imported of a file that is bundled by itself is `require`d of that.
  plugins: [
    {
      name: 'parts',
      setup: ({ onResolve }) =>
        onResolve({ filter: /\/(jobserver|named-pool|more|job|job-more|work|open)\.ts$/ }, partOf),
    },
  ],
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
})
