// Pages that are bundled by Vite, as uni-app and (with its own bundlers, which resolve alike) Taro do it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { build } from 'vite'
import { refuse } from '../test/fake/edge.mjs'
import { modules } from '../test/fake/modules.mjs'
import { scene } from '../test/fake/scene.mjs'
import { here, project } from './project.mjs'

const folder = project('bundle', join(here, 'projects/bundle'))

// Of the page `name`; gives the ids of the modules that are in it.
async function bundle(name) {
  const { output } = await build({
    root: folder,
    logLevel: 'silent',
    configFile: false,
    build: {
      outDir: join(folder, 'dist'),
      emptyOutDir: false,
      minify: false,
      target: 'es2018',
      rollupOptions: {
        input: join(folder, `${name}.js`),
        preserveEntrySignatures: 'strict',
        output: { format: 'cjs', entryFileNames: '[name].js' }
      }
    }
  })
  return output[0].moduleIds.filter(id => id.includes('wx-session'))
}

test('a bundled page logs in, calls, and knows a refusal', async () => {
  const ids = await bundle('page')
  assert.ok(ids.length > 0 && ids.every(id => id.includes('/wx-session/esm/')), ids.join())
  const { edge, phone } = scene()
  const page = modules(join(folder, 'dist'), phone.globals)('page.js')
  assert.deepEqual(await page.orders(), { path: '/orders', user: 'ming' })
  edge.fail('/orders', refuse('user_blocked'))
  assert.equal(await page.orders(), 'show_blocked')
})

test('what a page does not use is not in its bundle', async () => {
  const [error] = await bundle('only-error')
  assert.match(error, /error\.js$/)
  const text = readFileSync(join(folder, 'dist/only-error.js'), 'utf8')
  assert.match(text, /SessionError/)
  assert.doesNotMatch(text, /createSession|foreign_url|callContainer|x-wx-error/)
  assert.deepEqual(await bundle('unused'), [])
})
