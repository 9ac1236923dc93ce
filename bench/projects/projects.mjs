/**
 * What is built, from source packages of SUITE: one project of each kind that shares a jobserver in a way of its own.
 * `configure` and `build` are words of a command in the project's folder; `{cc}`, `{c++}` and `{ar}` become the
 * compilers and the archiver that record their jobs, `{cmake}`, `{make}` and `{ninja}` the tools. `-jN` is added to `build` where
 * each build has its own limit.
 */
export const SUITE = 'bookworm'

export const PROJECTS = [
  {
    name: 'leveldb',
    kind: 'cmake and ninja, C++',
    configure: [
      ...['{cmake}', '-S', '.', '-B', 'build', '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release'],
      ...['-DCMAKE_MAKE_PROGRAM={ninja}', '-DCMAKE_C_COMPILER={cc}', '-DCMAKE_CXX_COMPILER={c++}', '-DCMAKE_AR={ar}'],
      ...['-DLEVELDB_BUILD_TESTS=OFF', '-DLEVELDB_BUILD_BENCHMARKS=OFF'],
    ],
    build: ['{ninja}', '-C', 'build'],
  },
  {
    name: 'xz-utils',
    kind: 'automake, recursive make, libtool, C',
    configure: ['./configure', '--disable-nls', '--disable-doc', '--disable-static', 'CC={cc}', 'AR={ar}'],
    build: ['{make}'],
  },
  {
    name: 'libzstd',
    kind: 'make, few and long jobs, C',
    configure: null,
    build: ['{make}', '-C', 'lib', 'libzstd.a', 'CC={cc}', 'AR={ar}', 'CFLAGS=-O2', 'ZSTD_LEGACY_SUPPORT=0'],
  },
]

/** The words with what `{name}` stands for. */
export function filled(words, values) {
  return words.map((word) => word.replace(/\{([^}]+)\}/g, (whole, name) => values[name] ?? whole))
}
