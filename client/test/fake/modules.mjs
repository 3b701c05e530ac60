// A mini program's `require`: files by relative path, packages as the developer tools' "build npm" lays them out, and
// no global of Node but those that a phone has too. What has `import` goes through ES6 转 ES5 first, as there.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const PACKAGE = fileURLToPath(new URL('../../', import.meta.url))
const OF_NODE = ['process', 'Buffer', 'global', 'globalThis', 'fetch', 'window', 'document', 'XMLHttpRequest', 'localStorage']

// `globals`: what the phone gives, such as { wx }. `instead`: exports of files that are not run. Gives a function that
// runs a file and returns its exports.
export function modules(root, globals, instead = {}) {
  const run = new Map(Object.entries(instead).map(([file, exports]) => [join(root, file), { exports }]))
  const names = ['require', 'module', 'exports', ...Object.keys(globals), ...OF_NODE]

  function load(file) {
    if (!run.has(file)) {
      const module = { exports: {} }
      run.set(file, module)
      const require = name => load(resolve(dirname(file), name))
      const body = new Function(...names, `${asCommonJs(readFileSync(file, 'utf8'))}\n//# sourceURL=${file}`)
      body(require, module, module.exports, ...Object.values(globals))
    }
    return run.get(file).exports
  }

  function resolve(from, name) {
    const file = name.startsWith('.') ? join(from, name) : join(built(name) ?? packageFolder(name), 'index')
    return file.endsWith('.js') ? file : `${file}.js`
  }

  // Where "build npm" has been there already.
  function built(name) {
    const folder = join(root, 'miniprogram_npm', name)
    return existsSync(folder) ? folder : undefined
  }

  return file => load(join(root, file))
}

function asCommonJs(text) {
  if (!/^(import|export) /m.test(text)) return text
  return ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2020 } }).outputText
}

// What "build npm" copies to miniprogram_npm/wx-session.
function packageFolder(name) {
  const { name: own, miniprogram } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'))
  if (name !== own) throw new Error(`no package ${name}`)
  return join(PACKAGE, miniprogram)
}

// The built client on this phone.
export function client(phone) {
  return modules(packageFolder('wx-session'), phone.globals)('index.js')
}
