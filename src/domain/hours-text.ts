import type { Hours, Window } from './schedule.js';

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** As they are typed: `mon-fri 09:00-17:00 Europe/Paris`. */
export function hoursText({ windows, zone }: Hours): string {
  return `${windows.map(windowText).join(', ')} ${zone}`;
}

function windowText({ days, from, to }: Window): string {
  const times = `${timeOfDay(from)}-${timeOfDay(to)}`;
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return times;
  return `${DAYS[first - 1]}${first === last ? '' : `-${DAYS[last - 1]}`} ${times}`;
}

function timeOfDay(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}
