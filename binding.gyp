{
  'targets': [
    {
      'target_name': 'jobslot',
      'sources': [
        'src-native/accounts.cc',
        'src-native/addon.cc',
        'src-native/channels.cc',
        'src-native/commands.cc',
        'src-native/descriptors.cc',
        'src-native/journals.cc',
        'src-native/locks.cc',
        'src-native/processes.cc',
        'src-native/waits.cc',
        'src-native/workers.cc',
        'src-native/core/account.cc',
        'src-native/core/account_thread.cc',
        'src-native/core/account_watch.cc',
        'src-native/core/byte_lock.cc',
        'src-native/core/command.cc',
        'src-native/core/drain.cc',
        'src-native/core/guard.cc',
        'src-native/core/journal.cc',
        'src-native/core/lines.cc',
        'src-native/core/lock_file.cc',
        'src-native/core/lock_folder.cc',
        'src-native/core/lock_line.cc',
        'src-native/core/lock_records.cc',
        'src-native/core/loop.cc',
        'src-native/core/marked.cc',
        'src-native/core/parked.cc',
        'src-native/core/read.cc',
        'src-native/core/thread.cc',
        'src-native/core/waiter.cc',
      ],
      'include_dirs': ["<!@(node -p \"require('node-addon-api').include\")"],
      'defines': ['NAPI_VERSION=8', 'NAPI_DISABLE_CPP_EXCEPTIONS',
        # A worker thread may be ended while the addon loads: what can then not be thrown must not abort the process.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS', 'NODE_ADDON_API_DISABLE_DEPRECATED'],
      # Most of the code is wrappers of Node-API, which -O3 makes three times as large and hardly faster; -Os is slower.
      'cflags!': ['-O3'],
      'cflags': ['-Wall', '-Wextra', '-fvisibility=hidden', '-O2', '-ffunction-sections', '-fdata-sections'],
      'cflags_cc': ['-std=c++17', '-fno-exceptions', '-fno-rtti'],
      'conditions': [
        ['OS=="linux"', {
          'sources': ['src-native/runtime.cc'],
          'defines': ['_GNU_SOURCE', '_GLIBCXX_EXTERN_TEMPLATE=0'],
          # With 64-bit file offsets asked for, glibc's headers call fcntl64, which musl does not have.
          'cflags': ['-U_FILE_OFFSET_BITS', '-fno-asynchronous-unwind-tables', '-fno-stack-protector', '-U_FORTIFY_SOURCE'],
          'cflags_cc': ['-fno-threadsafe-statics'],
          # Needs no library by name and no symbol by version: see docs/architecture.md.
          'ldflags': ['-nostdlib', '-Wl,--version-script=<(module_root_dir)/src-native/exports.map', '-Wl,--no-undefined-version',
            '-Wl,--gc-sections'],
          'libraries': ['-lgcc'],
        }],
        ['OS=="mac"', {
          'xcode_settings': {
            'CLANG_CXX_LANGUAGE_STANDARD': 'c++17',
            'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
            'GCC_OPTIMIZATION_LEVEL': '2',
            'GCC_SYMBOLS_PRIVATE_EXTERN': 'YES',
            'MACOSX_DEPLOYMENT_TARGET': '11.0',
          },
        }],
      ],
    },
  ],
}
