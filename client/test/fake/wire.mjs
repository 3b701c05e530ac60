// How `wx.request` puts data and headers on the wire and takes them off it.

// The documentation names Referer; the others are not the page's to set either.
export const FORBIDDEN = ['referer', 'host', 'content-length', 'user-agent']

export function serialised({ url, data }, method, headers) {
  if (data === undefined) return { url, body: '' }
  if (method === 'GET') {
    if (typeof data !== 'object') throw 'data of a GET is an object'
    const query = form(data)
    return { url: query ? url + (url.includes('?') ? '&' : '?') + query : url, body: '' }
  }
  if (typeof data === 'string') return { url, body: data }
  if (data instanceof ArrayBuffer) return { url, body: Buffer.from(data) }
  if (typeof data !== 'object' || data === null) throw `data is ${data === null ? 'null' : typeof data}`
  const name = Object.keys(headers).find(name => name.toLowerCase() === 'content-type')
  const kind = headers[name].split(';')[0].trim().toLowerCase()
  if (kind === 'application/json') return { url, body: JSON.stringify(data) }
  if (kind === 'application/x-www-form-urlencoded') return { url, body: form(data) }
  throw `data is an object, and content-type ${kind}`
}

export function unserialised(body, { responseType = 'text', dataType = 'json' }) {
  if (responseType === 'arraybuffer') return body.buffer.slice(body.byteOffset, body.byteOffset + body.length)
  const text = body.toString()
  if (dataType !== 'json') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

// `headers`: pairs, as they came. Each platform has its own way with the names.
export function asHeaders(headers, platform) {
  const written = {
    android: name => name,
    ios: name => name.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase()),
    devtools: name => name.toLowerCase()
  }
  return Object.fromEntries(headers.map(([name, value]) => [written[platform](name), value]))
}

function form(data) {
  const pairs = Object.entries(data).filter(([, value]) => value !== undefined)
  return pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
}
