// What runs a mini program: App, getApp, Page, setData, and the buttons of a page.
// Draws nothing: of a page's wxml it knows what is bound and what is shown.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { modules } from './modules.mjs'

// Starts the mini program in `folder` on a phone; `instead` as in `modules`.
export function launch(folder, phone, instead) {
  const { pages } = JSON.parse(readFileSync(join(folder, 'app.json'), 'utf8'))
  let app
  let page
  const load = modules(folder, {
    ...phone.globals,
    App: options => { app = options },
    getApp: () => app,
    Page: options => { page = options }
  }, instead)
  load('app.js')
  app.onLaunch({ path: pages[0], scene: 1001 })
  return {
    app,
    pages,
    open(path) {
      for (const kind of ['js', 'json', 'wxml', 'wxss']) {
        if (!existsSync(join(folder, `${path}.${kind}`))) throw new Error(`${path}.${kind} is missing`)
      }
      load(`${path}.js`)
      return opened(page, readFileSync(join(folder, `${path}.wxml`), 'utf8'))
    }
  }
}

function opened(options, wxml) {
  const page = { ...options, data: copy(options.data) }
  page.setData = patch => {
    for (const [name, value] of Object.entries(patch)) {
      if (value === undefined) throw new Error(`setData: ${name} is undefined`)
      page.data[name] = copy(value)
    }
  }
  const bindings = [...wxml.matchAll(/<(\w+)[^>]* bind\w+="(\w+)"[^>]*>([^<]*)</g)].map(([, , handler, text]) => ({ handler, text }))
  for (const [, name] of wxml.matchAll(/\{\{(\w+)\}\}/g)) {
    if (!(name in page.data)) throw new Error(`the page shows ${name}, which it does not have`)
  }
  // The promise of the handler stands for the time until the page is quiet; the real one ignores it.
  page.tap = (text, detail = {}) => {
    const { handler } = bindings.find(binding => binding.text === text) ?? {}
    if (typeof page[handler] !== 'function') throw new Error(`nothing happens at a tap on ${text}`)
    return page[handler]({ type: 'tap', detail })
  }
  page.buttons = bindings.map(({ text }) => text)
  page.loaded = page.onLoad({})
  return page
}

function copy(value) {
  return JSON.parse(JSON.stringify(value))
}
