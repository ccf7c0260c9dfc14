export const caffeJobs = [];
