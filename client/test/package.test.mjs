import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const folder = fileURLToPath(new URL('../', import.meta.url))
const built = readdirSync(`${folder}miniprogram_dist`)
const code = built.filter(name => name.endsWith('.js')).map(name => readFileSync(`${folder}miniprogram_dist/${name}`, 'utf8'))
const manifest = JSON.parse(readFileSync(`${folder}package.json`, 'utf8'))
const LIMIT = 6 * 1024

test('the package is as small as its pages say', t => {
  const bytes = gzipSync(code.join(''), { level: 9 }).length
  t.diagnostic(`${bytes} bytes gzipped`)
  assert.ok(bytes < LIMIT, `${bytes} bytes`)
  const said = ['README.md', '../docs/clients.md', '../docs/zh/clients.md'].flatMap(page =>
    [...readFileSync(`${folder}${page}`, 'utf8').matchAll(/([\d.]+) kB/g)].map(([, size]) => ({ page, size: Number(size) })))
  assert.equal(said.length, 4)
  // Each zlib packs a little differently.
  for (const { page, size } of said) assert.ok(Math.abs(size * 1000 - bytes) <= 100, `${page}: ${size} kB`)
})

test('the package is ES5, and needs nothing else', () => {
  for (const text of code) {
    assert.doesNotMatch(text, /=>|\bclass\b|\bconst\b|\blet\b|\basync\b|`|__(awaiter|generator|assign|spread)/)
    assert.deepEqual(text.match(/require\("[^"]*"\)/g)?.filter(call => !call.includes('"./')) ?? [], [])
  }
  const { dependencies, peerDependencies, main, types, miniprogram } = manifest
  assert.deepEqual([dependencies, peerDependencies], [undefined, undefined])
  assert.deepEqual([main, types], [`${miniprogram}/index.js`, `${miniprogram}/index.d.ts`])
  assert.ok(built.includes('index.js') && built.includes('index.d.ts'))
})

test('every file that package.json names is in the package, the licence too, and nothing that is not needed there', () => {
  const pack = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const [{ files }] = JSON.parse(execFileSync('npm', pack, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  const packed = files.map(file => file.path)
  const { import: esm, require: commonJs } = manifest.exports['.']
  const named = [manifest.main, manifest.module, manifest.types, ...[esm, commonJs].flatMap(Object.values)].map(path => path.replace('./', ''))
  for (const path of [...named, 'LICENSE', 'README.md']) assert.ok(packed.includes(path), path)
  assert.deepEqual(packed.filter(path => !/^(esm|miniprogram_dist)\/|^(LICENSE|README\.md|package\.json)$/.test(path)), [])
  assert.equal(readFileSync(`${folder}LICENSE`, 'utf8'), readFileSync(`${folder}../LICENSE`, 'utf8'))
  // Bundlers from before `exports` go by the others.
  assert.deepEqual([esm.default, commonJs.default, commonJs.types], [manifest.module, manifest.main, manifest.types].map(path => `./${path}`))
})

test('nothing keeps a package manager from installing it: yarn 1 refuses what names an engine that it does not run on', () => {
  for (const field of ['engines', 'engineStrict', 'devEngines', 'os', 'cpu', 'packageManager']) assert.equal(manifest[field], undefined, field)
  for (const script of ['preinstall', 'install', 'postinstall']) assert.equal(manifest.scripts[script], undefined, script)
})

test('registries can show where it is from, and bundlers may drop what is not used', () => {
  const { repository, homepage, bugs, keywords, license, sideEffects } = manifest
  const [, place] = /^git\+(https:.*)\.git$/.exec(repository.url)
  assert.equal(repository.directory, 'client')
  assert.ok(homepage.startsWith(`${place}/`) && bugs.startsWith(`${place}/`))
  assert.ok(keywords.includes('微信小程序') && keywords.includes('miniprogram'))
  assert.deepEqual([license, sideEffects], ['Apache-2.0', false])
})

test('the types fit how pages use them, and refuse what is wrong', () => {
  const tsc = `${folder}node_modules/typescript/bin/tsc`
  const options = ['--noEmit', '--strict', '--target', 'ES2017', '--module', 'CommonJS', '--moduleResolution', 'Node10']
  const { stdout, status } = spawnSync(process.execPath, [tsc, ...options, `${folder}test/types.ts`], { encoding: 'utf8' })
  assert.equal(status, 0, stdout)
})

test('the lock files name no registry', () => {
  assert.doesNotMatch(readFileSync(`${folder}package-lock.json`, 'utf8'), /https?:|"resolved"/)
  // Here, who may be paid for a package is an address too.
  const tools = JSON.parse(readFileSync(`${folder}tools-tests/package-lock.json`, 'utf8'))
  for (const entry of Object.values(tools.packages)) assert.equal(entry.resolved, undefined)
})
