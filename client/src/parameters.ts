/*
 * The parameters of an endpoint as headers, for an Envoy that reads no body before the edge has decided: Istio and Envoy
 * Gateway cannot set `allow_on_headers_stop_iteration`. Never holds the token, which has a header of its own.
 */

const HEADERS: { [parameter: string]: string } = {
  code: 'X-WX-Code',
  encryptedData: 'X-WX-Encrypted-Data',
  iv: 'X-WX-IV',
  rawData: 'X-WX-RawData',
  signature: 'X-WX-Signature',
  appid: 'X-WX-App',
  everywhere: 'X-WX-Everywhere',
  keep: 'X-WX-Keep'
}

export function inHeaders(data: any): { [name: string]: string } {
  const made: { [name: string]: string } = {}
  for (const name in data) {
    // Headers are ASCII; of the texts only this one need not be.
    const value = name === 'rawData' && data[name] ? encodeURIComponent(data[name]) : data[name]
    if (HEADERS[name] && value !== undefined) made[HEADERS[name]] = String(value)
  }
  return made
}

declare function encodeURIComponent(text: string): string
