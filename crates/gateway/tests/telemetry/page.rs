//! A strict reader of the Prometheus text format: what a lenient one forgives is an error here.

use std::collections::{BTreeMap, BTreeSet};

pub type Labels = BTreeMap<String, String>;

#[derive(Debug, Default)]
pub struct Family {
    pub help: String,
    pub kind: String,
    pub samples: Vec<Sample>,
}

#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub labels: Labels,
    pub value: f64,
}

/// Families by name.
pub type Page = BTreeMap<String, Family>;

pub fn read(text: &str) -> Result<Page, String> {
    let body = text.strip_suffix('\n').ok_or("no line end at the end")?;
    let mut page = Page::new();
    let mut current: Option<String> = None;
    let mut seen = BTreeSet::new();
    for line in body.split('\n') {
        let fail = |why: &str| Err(format!("{why}: {line}"));
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let Some((name, help)) = rest.split_once(' ') else {
                return fail("no help");
            };
            let family = Family {
                help: help.to_owned(),
                ..Family::default()
            };
            if !is_name(name, true) || page.insert(name.to_owned(), family).is_some() {
                return fail("a family that is there already, or cannot be called so");
            }
            current = Some(name.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let Some((name, kind)) = rest.split_once(' ') else {
                return fail("no type");
            };
            let family = page
                .get_mut(name)
                .filter(|family| family.kind.is_empty() && family.samples.is_empty());
            match family.filter(|_| current.as_deref() == Some(name)) {
                Some(family) if ["counter", "gauge", "histogram"].contains(&kind) => {
                    family.kind = kind.to_owned()
                }
                _ => return fail("a type where none belongs"),
            }
        } else if line.starts_with('#') || line.trim().is_empty() {
            return fail("neither a sample nor help nor a type");
        } else {
            let sample = sample(line).ok_or_else(|| format!("no sample: {line}"))?;
            if !seen.insert((sample.name.clone(), sample.labels.clone())) {
                return fail("a series that is there already");
            }
            let Some((name, family)) = current
                .as_ref()
                .and_then(|name| Some((name, page.get_mut(name)?)))
            else {
                return fail("a sample without a family");
            };
            let suffixes: &[&str] = if family.kind == "histogram" {
                &["_bucket", "_sum", "_count"]
            } else {
                &[""]
            };
            if !suffixes
                .iter()
                .any(|suffix| sample.name == format!("{name}{suffix}"))
            {
                return fail("a sample of another family");
            }
            family.samples.push(sample);
        }
    }
    page.iter()
        .filter(|(_, family)| family.kind == "histogram")
        .try_for_each(|(name, family)| histogram(name, family))?;
    Ok(page)
}

/// Of each series: buckets that rise, the last of which holds all, a count that says the same, and a sum.
fn histogram(name: &str, family: &Family) -> Result<(), String> {
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for sample in family
        .samples
        .iter()
        .filter(|sample| sample.name.ends_with("_bucket"))
    {
        let mut labels = sample.labels.clone();
        let bound = labels
            .remove("le")
            .ok_or_else(|| format!("{name}: a bucket without a bound"))?;
        let bound = if bound == "+Inf" {
            f64::INFINITY
        } else {
            bound.parse().map_err(|_| format!("{name}: {bound}"))?
        };
        series
            .entry(labels)
            .or_default()
            .push((bound, sample.value));
    }
    let find = |suffix: &str, labels: &Labels| {
        let of = format!("{name}{suffix}");
        let mut found = family
            .samples
            .iter()
            .filter(|sample| sample.name == of && sample.labels == *labels);
        found.next().map(|sample| sample.value)
    };
    for (labels, buckets) in &series {
        let rise = buckets
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let last = buckets.last().copied();
        let count = find("_count", labels);
        if !rise
            || last.map(|(bound, _)| bound) != Some(f64::INFINITY)
            || last.map(|(_, count)| count) != count
            || find("_sum", labels).is_none()
        {
            return Err(format!("{name}{labels:?}: {buckets:?}"));
        }
    }
    let counts = family
        .samples
        .iter()
        .filter(|sample| sample.name.ends_with("_count"))
        .count();
    if counts != series.len() {
        return Err(format!("{name}: counts without buckets"));
    }
    Ok(())
}

/// `name{label="value",…} number`
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, more) = rest.split_once("=\"")?;
            let (value, more) = quoted(more)?;
            if !is_name(label, false)
                || value.is_empty()
                || labels.insert(label.to_owned(), value).is_some()
            {
                return None;
            }
            match more.strip_prefix(',') {
                Some(more) => rest = more,
                None => {
                    rest = more.strip_prefix('}')?;
                    break;
                }
            }
        }
    }
    let value: f64 = rest.strip_prefix(' ')?.parse().ok()?;
    let is_sample = is_name(name, true) && value.is_finite() && !rest[1..].contains(' ');
    is_sample.then(|| Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// To the closing quote, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match letters.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
    None
}

/// Of a metric, or of a label.
fn is_name(name: &str, of_metric: bool) -> bool {
    let begins =
        |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || (of_metric && byte == b':');
    name.bytes().next().is_some_and(begins)
        && name
            .bytes()
            .all(|byte| begins(byte) || byte.is_ascii_digit())
        && (of_metric || !name.starts_with("__"))
}

#[test]
fn what_a_lenient_reader_forgives_is_an_error() {
    let good = "# HELP a_total It counts.\n# TYPE a_total counter\na_total{l=\"x\\\"\\n\"} 1\na_total{l=\"y\"} 2.5\n";
    assert_eq!(read(good).unwrap()["a_total"].samples.len(), 2);
    for bad in [
        good.trim_end(),
        "a_total 1\n",
        "# HELP a_total\n# TYPE a_total counter\na_total 1\n",
        "# HELP a_total It.\n# TYPE a_total counter\n# TYPE a_total counter\na_total 1\n",
        "# HELP a_total It.\n# TYPE a_total counter\na_total 1\na_total 1\n",
        "# HELP a_total It.\n# TYPE a_total counter\nb_total 1\n",
        "# HELP a_total It.\n# TYPE a_total counter\na_total NaN\n",
        "# HELP a_total It.\n# TYPE a_total counter\na_total{l=\"\"} 1\n",
        "# HELP a_total It.\n# TYPE a_total counter\na_total{l=\"\\x\"} 1\n",
        "# HELP a_total It.\n# TYPE a_total counter\na_total 1 2 \n",
        "# HELP h It.\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
        "# HELP h It.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n",
        "# HELP h It.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
