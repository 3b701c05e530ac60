import { createSession } from 'wx-session'

export const maybe = 1
