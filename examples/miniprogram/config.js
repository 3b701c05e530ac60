// Where wx-session is: a request domain of your mini program. In the developer tools it may be your own machine, such
// as http://127.0.0.1:10000, if the check of domains is switched off under Details.
export const baseUrl = 'https://YOUR-DOMAIN'
