import type { Window } from '../domain/schedule.js';
import { parsed } from './parse.js';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const WINDOW = /^(?:([a-z]{3})(?:-([a-z]{3}))?\s+)?(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})$/;
const MOST_WINDOWS = 50;

const WINDOWS =
  'one to 50 windows of the day, separated by commas, each with the days on which it begins before it or without, such as ' +
  '09:00-17:00 or "mon-thu 09:00-17:00,fri 09:00-12:00"; times from 00:00 to 24:00, not from a time to the same';

/** Windows of the day: `09:00-17:00`, `mon-fri 09:00-12:00,mon-fri 14:00-17:00`; one such as `22:00-06:00` ends on the next day. */
export function windows() {
  return parsed(WINDOWS, (text) => {
    const all = text
      .toLowerCase()
      .split(',')
      .map((part) => parseWindow(part.trim()));
    return all.length <= MOST_WINDOWS && all.every((one) => one !== undefined) ? (all as Window[]) : undefined;
  });
}

function parseWindow(text: string): Window | undefined {
  const [whole, first, last, ...times] = WINDOW.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const days = first === undefined ? [] : daysFrom(first, last ?? first);
  const [from, to] = [minutes(times[0], times[1]), minutes(times[2], times[3])];
  if (days === undefined || from === undefined || to === undefined || from === 1440 || from === to) return undefined;
  return { days, from, to };
}

function minutes(hour = '', minute = ''): number | undefined {
  const value = Number(hour) * 60 + Number(minute);
  return Number(minute) < 60 && value <= 1440 ? value : undefined;
}

/** 1 for Monday; `fri-mon` goes over the weekend. */
function daysFrom(first: string, last: string): number[] | undefined {
  const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)];
  if (from < 0 || to < 0) return undefined;
  return Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, n) => ((from + n) % 7) + 1);
}

/** A part as `1%`, above `least` and below 100%, from 0 to 1. */
export function share(allowed: string, least: number) {
  return parsed(allowed, (text) => {
    const [, number] = /^(\d{1,2}(?:\.\d{1,4})?)\s*%$/.exec(text) ?? [];
    const value = number === undefined ? Number.NaN : Number(number) / 100;
    return value >= least && value < 1 ? value : undefined;
  });
}

const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/;

/** Whether the time zone database of this Node knows the name. */
export function isZone(text: string): boolean {
  try {
    return ZONE_NAME.test(text) && new Intl.DateTimeFormat('en', { timeZone: text }) !== null;
  } catch {
    return false;
  }
}

/** The IANA name of a time zone. */
export function zone() {
  return parsed('the IANA name of a time zone, such as Europe/Paris, America/New_York or UTC', (text) =>
    isZone(text) ? text : undefined,
  );
}
