//! Compares two builds of this program, measurement by measurement; prints a table.
//!
//! `windvane-profile OWN [NAME ..]` compares itself with the build `OWN`. Both run as children that
//! measure a task whenever they are asked, so that the two measurements of a ratio are a few
//! milliseconds apart.
mod work;

use rustix::time::{ClockId, clock_gettime};
use std::io::{BufRead, BufReader, Write, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use work::Task;

/// Ratio from which a time depends on the profile. The aim is 1.05; the placement of the code and
/// other programs on the machine change single ratios by a few percent.
const LIMIT: f64 = 1.25;
/// Number of measurements of each task in each build.
const ROUNDS: usize = 41;
/// Shortest measurement in nanoseconds.
const TIME: f64 = 5e6;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => {
            eprintln!("usage: windvane-profile PROGRAM [NAME ..]");
            ExitCode::FAILURE
        }
        [serve] if serve == "--serve" => {
            work::with_tasks(serve_tasks);
            ExitCode::SUCCESS
        }
        [own, names @ ..] => compare(own, names),
    }
}

/// Prints the names of the tasks, then answers every number of a task with its time per call.
fn serve_tasks(mut tasks: Vec<Task<'_>>) {
    let names: Vec<&str> = tasks.iter().map(|task| &task.name[..]).collect();
    println!("{}", names.join("\t"));
    for line in stdin().lines() {
        let number: usize = line.expect("a line").parse().expect("the number of a task");
        println!("{}", nanoseconds(&mut tasks[number]));
    }
}

/// Measures the processor time per call, which other programs on the machine hardly change.
fn nanoseconds(task: &mut Task<'_>) -> f64 {
    let (start, mut calls) = (processor_time(), 0_u32);
    loop {
        for _ in 0..=calls / 4 {
            (task.call)();
            calls += 1;
        }
        let time = processor_time() - start;
        if time >= TIME {
            return time / f64::from(calls);
        }
    }
}

/// Returns the processor time of all threads of this process, in nanoseconds.
fn processor_time() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Build that measures on request.
struct Server {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    names: Vec<String>,
}

impl Server {
    fn start(program: &str) -> Self {
        let mut child = Command::new(program)
            .arg("--serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let requests = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut server = Self { child, requests, answers, names: Vec::new() };
        server.names = server.line().split('\t').map(str::to_string).collect();
        server
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        line.trim_end().to_string()
    }

    fn measure(&mut self, task: usize) -> f64 {
        writeln!(self.requests, "{task}").expect("a running build");
        self.line().parse().expect("nanoseconds")
    }

    fn stop(self) {
        let Self { mut child, requests, .. } = self;
        drop(requests);
        child.wait().expect("an exit code");
    }
}

/// Compares this program with the build `own` on the tasks whose name contains one of `names`.
fn compare(own: &str, names: &[String]) -> ExitCode {
    let this = std::env::current_exe().expect("the path of this program");
    let mut servers = [Server::start(&this.to_string_lossy()), Server::start(own)];
    assert_eq!(servers[0].names, servers[1].names, "both builds have the same tasks");
    println!("| work | this profile µs | workspace's profile µs | ratio |\n|---|---|---|---|");
    let mut slower = 0;
    for (task, name) in servers[0].names.clone().iter().enumerate() {
        if !names.is_empty() && !names.iter().any(|part| name.contains(&part[..])) {
            continue;
        }
        let (mut times, mut ratios) = ([Vec::new(), Vec::new()], Vec::new());
        for round in 0..ROUNDS {
            // The build that is measured first alternates.
            let mut pair = [0.0; 2];
            for place in [round % 2, 1 - round % 2] {
                pair[place] = servers[place].measure(task);
                times[place].push(pair[place]);
            }
            ratios.push(pair[0] / pair[1]);
        }
        let [this, own] = times.map(|times| median(times) / 1e3);
        let ratio = median(ratios);
        slower += usize::from(ratio > LIMIT);
        println!("| {name} | {this:.2} | {own:.2} | {ratio:.3} |");
    }
    servers.into_iter().for_each(Server::stop);
    println!("\n{slower} above {LIMIT}");
    if slower == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
