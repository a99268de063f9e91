BEGIN TRANSACTION;
CREATE TABLE arms (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	loss VARCHAR NOT NULL, 
	weighting VARCHAR NOT NULL, 
	space JSON NOT NULL, 
	CONSTRAINT arms_primary PRIMARY KEY (id), 
	CONSTRAINT arms_study_id_number_unique UNIQUE (study_id, number), 
	CONSTRAINT arms_study_id_foreign FOREIGN KEY(study_id) REFERENCES studies (id)
);
INSERT INTO "arms" VALUES(1,1,0,'unet+loss0','unet','loss0','none','{"loss.gamma": {"low": 0.5, "high": 5.0, "log": false, "step": null}, "model.norm": {"choice": ["batch", "instance"]}, "model.width": {"fixed": 8}}');
INSERT INTO "arms" VALUES(2,1,1,'unet+loss1','vnet','loss1','none','{"loss.gamma": {"low": 0.5, "high": 5.0, "log": false, "step": null}, "model.norm": {"choice": ["batch", "instance"]}, "model.width": {"fixed": 8}}');
CREATE TABLE attempts (
	id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	stop INTEGER NOT NULL, 
	started_from INTEGER NOT NULL, 
	started FLOAT NOT NULL, 
	ended FLOAT, 
	result VARCHAR, 
	reason TEXT, 
	CONSTRAINT attempts_primary PRIMARY KEY (id), 
	CONSTRAINT attempts_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id)
);
CREATE TABLE case_counts (
	trial_id INTEGER NOT NULL, 
	iteration INTEGER NOT NULL, 
	region VARCHAR NOT NULL, 
	case_id INTEGER NOT NULL, 
	tp BIGINT NOT NULL, 
	fp BIGINT NOT NULL, 
	fn BIGINT NOT NULL, 
	tn BIGINT NOT NULL, 
	CONSTRAINT case_counts_primary PRIMARY KEY (trial_id, iteration, region, case_id), 
	CONSTRAINT case_counts_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id), 
	CONSTRAINT case_counts_case_id_foreign FOREIGN KEY(case_id) REFERENCES cases (id)
)
 WITHOUT ROWID

;
INSERT INTO "case_counts" VALUES(1,5,'tumor',2,5,0,0,50);
INSERT INTO "case_counts" VALUES(1,5,'tumor',3,5,1,0,50);
INSERT INTO "case_counts" VALUES(1,10,'tumor',2,10,0,0,50);
INSERT INTO "case_counts" VALUES(1,10,'tumor',3,10,1,0,50);
INSERT INTO "case_counts" VALUES(2,5,'tumor',2,5,0,1,50);
INSERT INTO "case_counts" VALUES(2,5,'tumor',3,5,1,1,50);
INSERT INTO "case_counts" VALUES(4,5,'tumor',4,5,0,0,50);
INSERT INTO "case_counts" VALUES(4,10,'tumor',4,10,0,0,50);
CREATE TABLE case_scores (
	trial_id INTEGER NOT NULL, 
	iteration INTEGER NOT NULL, 
	region VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	case_id INTEGER NOT NULL, 
	value FLOAT, 
	note VARCHAR, 
	CONSTRAINT case_scores_primary PRIMARY KEY (trial_id, iteration, region, metric, case_id), 
	CONSTRAINT case_scores_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id), 
	CONSTRAINT case_scores_case_id_foreign FOREIGN KEY(case_id) REFERENCES cases (id)
)
 WITHOUT ROWID

;
INSERT INTO "case_scores" VALUES(1,5,'tumor','dice',2,0.05,NULL);
INSERT INTO "case_scores" VALUES(1,5,'tumor','dice',3,0.05,NULL);
INSERT INTO "case_scores" VALUES(1,5,'tumor','hd95',2,1.9285714285714283811e-01,NULL);
INSERT INTO "case_scores" VALUES(1,5,'tumor','hd95',3,1.9285714285714283811e-01,NULL);
INSERT INTO "case_scores" VALUES(1,10,'tumor','dice',2,0.1,NULL);
INSERT INTO "case_scores" VALUES(1,10,'tumor','dice',3,0.1,NULL);
INSERT INTO "case_scores" VALUES(1,10,'tumor','hd95',2,2.42857142857142854763e-01,NULL);
INSERT INTO "case_scores" VALUES(1,10,'tumor','hd95',3,2.42857142857142854763e-01,NULL);
INSERT INTO "case_scores" VALUES(2,5,'tumor','dice',2,5.10000000000000036637e-02,NULL);
INSERT INTO "case_scores" VALUES(2,5,'tumor','dice',3,5.10000000000000036637e-02,NULL);
INSERT INTO "case_scores" VALUES(2,5,'tumor','hd95',2,1.93857142857142838998e-01,NULL);
INSERT INTO "case_scores" VALUES(2,5,'tumor','hd95',3,1.93857142857142838998e-01,NULL);
INSERT INTO "case_scores" VALUES(4,5,'tumor','dice',4,0.05,NULL);
INSERT INTO "case_scores" VALUES(4,5,'tumor','hd95',4,1.9285714285714283811e-01,NULL);
INSERT INTO "case_scores" VALUES(4,10,'tumor','dice',4,0.1,NULL);
INSERT INTO "case_scores" VALUES(4,10,'tumor','hd95',4,2.42857142857142854763e-01,NULL);
CREATE TABLE case_slices (
	case_id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	slices JSON NOT NULL, 
	height INTEGER NOT NULL, 
	width INTEGER NOT NULL, 
	image BLOB NOT NULL, 
	reference BLOB NOT NULL, 
	CONSTRAINT case_slices_primary PRIMARY KEY (case_id), 
	CONSTRAINT case_slices_case_id_foreign FOREIGN KEY(case_id) REFERENCES cases (id), 
	CONSTRAINT case_slices_study_id_foreign FOREIGN KEY(study_id) REFERENCES studies (id)
);
INSERT INTO "case_slices" VALUES(4,1,'[1, 3]',1,2,X'789C4B4C4A4E010003D8018B',X'789C63606460000000070002');
CREATE TABLE cases (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	group_name VARCHAR NOT NULL, 
	splits JSON NOT NULL, 
	facts JSON NOT NULL, 
	CONSTRAINT cases_primary PRIMARY KEY (id), 
	CONSTRAINT cases_study_id_name_unique UNIQUE (study_id, name), 
	CONSTRAINT cases_study_id_foreign FOREIGN KEY(study_id) REFERENCES studies (id)
);
INSERT INTO "cases" VALUES(1,1,'case_1','ann','["train"]','{"shape": [3, 4]}');
INSERT INTO "cases" VALUES(2,1,'case_2','bob','["validation"]','{"shape": [3, 5]}');
INSERT INTO "cases" VALUES(3,1,'case_3','cem','["validation"]','{}');
INSERT INTO "cases" VALUES(4,1,'case_4','cem','["test"]','{}');
CREATE TABLE checkpoints (
	trial_id INTEGER NOT NULL, 
	iteration INTEGER NOT NULL, 
	folder TEXT NOT NULL, 
	created FLOAT NOT NULL, 
	CONSTRAINT checkpoints_primary PRIMARY KEY (trial_id, iteration), 
	CONSTRAINT checkpoints_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id)
)
 WITHOUT ROWID

;
CREATE TABLE curves (
	trial_id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	iteration INTEGER NOT NULL, 
	value FLOAT NOT NULL, 
	CONSTRAINT curves_primary PRIMARY KEY (trial_id, name, iteration), 
	CONSTRAINT curves_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id)
)
 WITHOUT ROWID

;
INSERT INTO "curves" VALUES(1,'loss',4,1.05);
INSERT INTO "curves" VALUES(1,'loss',5,0.05);
INSERT INTO "curves" VALUES(1,'loss',9,1.1);
INSERT INTO "curves" VALUES(1,'loss',10,0.1);
INSERT INTO "curves" VALUES(2,'loss',4,1.051);
INSERT INTO "curves" VALUES(2,'loss',5,5.10000000000000036637e-02);
INSERT INTO "curves" VALUES(3,'loss',2,9.0);
INSERT INTO "curves" VALUES(4,'loss',4,1.05);
INSERT INTO "curves" VALUES(4,'loss',5,0.05);
INSERT INTO "curves" VALUES(4,'loss',9,1.1);
INSERT INTO "curves" VALUES(4,'loss',10,0.1);
CREATE TABLE footprints (
	subject VARCHAR NOT NULL, 
	device VARCHAR NOT NULL, 
	model VARCHAR NOT NULL, 
	seconds FLOAT NOT NULL, 
	window_seconds FLOAT NOT NULL, 
	voxel_seconds FLOAT NOT NULL, 
	peak_bytes BIGINT NOT NULL, 
	total_bytes BIGINT NOT NULL, 
	measured FLOAT NOT NULL, 
	CONSTRAINT footprints_primary PRIMARY KEY (subject, device)
);
INSERT INTO "footprints" VALUES('subject','a gpu','unet',0.5,0.25,1.0e-07,2147483648,8589934592,100.0);
CREATE TABLE leases (
	study_id INTEGER NOT NULL, 
	fence INTEGER NOT NULL, 
	revision INTEGER NOT NULL, 
	owner JSON, 
	expires FLOAT NOT NULL, 
	CONSTRAINT leases_primary PRIMARY KEY (study_id), 
	CONSTRAINT leases_study_id_foreign FOREIGN KEY(study_id) REFERENCES studies (id)
);
INSERT INTO "leases" VALUES(1,1,11,NULL,0.0);
CREATE TABLE lesion_scores (
	trial_id INTEGER NOT NULL, 
	iteration INTEGER NOT NULL, 
	region VARCHAR NOT NULL, 
	case_id INTEGER NOT NULL, 
	lesions INTEGER NOT NULL, 
	found INTEGER NOT NULL, 
	false_positives INTEGER NOT NULL, 
	records BLOB NOT NULL, 
	CONSTRAINT lesion_scores_primary PRIMARY KEY (trial_id, iteration, region, case_id), 
	CONSTRAINT lesion_scores_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id), 
	CONSTRAINT lesion_scores_case_id_foreign FOREIGN KEY(case_id) REFERENCES cases (id)
);
INSERT INTO "lesion_scores" VALUES(1,5,'tumor',2,3,2,1,X'789C2B4A4DCE2F4A2906000BBF02F3');
INSERT INTO "lesion_scores" VALUES(1,5,'tumor',3,3,2,1,X'789C2B4A4DCE2F4A2906000BBF02F3');
INSERT INTO "lesion_scores" VALUES(2,5,'tumor',2,3,2,1,X'789C2B4A4DCE2F4A2906000BBF02F3');
INSERT INTO "lesion_scores" VALUES(2,5,'tumor',3,3,2,1,X'789C2B4A4DCE2F4A2906000BBF02F3');
INSERT INTO "lesion_scores" VALUES(4,5,'tumor',4,3,2,1,X'789C2B4A4DCE2F4A2906000BBF02F3');
INSERT INTO "lesion_scores" VALUES(1,10,'tumor',2,3,2,1,X'789C2B4A4DCE2F4A2906000BBF02F3');
INSERT INTO "lesion_scores" VALUES(1,10,'tumor',3,3,2,1,X'789C2B4A4DCE2F4A2906000BBF02F3');
INSERT INTO "lesion_scores" VALUES(4,10,'tumor',4,3,2,1,X'789C2B4A4DCE2F4A2906000BBF02F3');
CREATE TABLE notices (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	created FLOAT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT notices_primary PRIMARY KEY (id), 
	CONSTRAINT notices_study_id_foreign FOREIGN KEY(study_id) REFERENCES studies (id)
);
INSERT INTO "notices" VALUES(1,1,100.0,'lost 3 times');
CREATE TABLE pooled_scores (
	trial_id INTEGER NOT NULL, 
	iteration INTEGER NOT NULL, 
	region VARCHAR NOT NULL, 
	metric VARCHAR NOT NULL, 
	value FLOAT, 
	CONSTRAINT pooled_scores_primary PRIMARY KEY (trial_id, iteration, region, metric), 
	CONSTRAINT pooled_scores_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id)
)
 WITHOUT ROWID

;
INSERT INTO "pooled_scores" VALUES(1,5,'tumor','average_precision',0.05);
INSERT INTO "pooled_scores" VALUES(1,10,'tumor','average_precision',0.1);
INSERT INTO "pooled_scores" VALUES(2,5,'tumor','average_precision',5.10000000000000036637e-02);
INSERT INTO "pooled_scores" VALUES(4,5,'tumor','average_precision',0.05);
INSERT INTO "pooled_scores" VALUES(4,10,'tumor','average_precision',0.1);
CREATE TABLE predicted_slices (
	trial_id INTEGER NOT NULL, 
	case_id INTEGER NOT NULL, 
	prediction BLOB NOT NULL, 
	CONSTRAINT predicted_slices_primary PRIMARY KEY (trial_id, case_id), 
	CONSTRAINT predicted_slices_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id), 
	CONSTRAINT predicted_slices_case_id_foreign FOREIGN KEY(case_id) REFERENCES cases (id)
);
INSERT INTO "predicted_slices" VALUES(4,4,X'789C636464600400000C0004');
CREATE TABLE previews (
	trial_id INTEGER NOT NULL, 
	case_id INTEGER NOT NULL, 
	slice_index INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	width INTEGER NOT NULL, 
	image BLOB NOT NULL, 
	reference BLOB NOT NULL, 
	prediction BLOB NOT NULL, 
	CONSTRAINT previews_primary PRIMARY KEY (trial_id, case_id), 
	CONSTRAINT previews_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id), 
	CONSTRAINT previews_case_id_foreign FOREIGN KEY(case_id) REFERENCES cases (id)
);
INSERT INTO "previews" VALUES(4,4,1,1,2,X'789C4B4C0200012600C4',X'789C6360040000030002',X'789C6364040000050003');
CREATE TABLE segments (
	trial_id INTEGER NOT NULL, 
	iteration INTEGER NOT NULL, 
	objective FLOAT, 
	weights VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	checkpoint TEXT, 
	attempts INTEGER NOT NULL, 
	seconds FLOAT NOT NULL, 
	evaluate_seconds FLOAT NOT NULL, 
	trained INTEGER NOT NULL, 
	host VARCHAR NOT NULL, 
	device VARCHAR NOT NULL, 
	peak_bytes BIGINT NOT NULL, 
	ended FLOAT NOT NULL, 
	CONSTRAINT segments_primary PRIMARY KEY (trial_id, iteration), 
	CONSTRAINT segments_trial_id_foreign FOREIGN KEY(trial_id) REFERENCES trials (id)
)
 WITHOUT ROWID

;
INSERT INTO "segments" VALUES(1,5,0.05,'weights of search-a00-r0-f0-n000 at 5',5,NULL,1,2.0,0.5,5,'here','cpu',0,1.79608307958994245535e+09);
INSERT INTO "segments" VALUES(1,10,0.1,'weights of search-a00-r0-f0-n000 at 10',10,'search-a00-r0-f0-n000/10',1,2.0,0.5,5,'here','cpu',0,1.79608307963786268234e+09);
INSERT INTO "segments" VALUES(2,5,5.10000000000000036637e-02,'weights of search-a00-r0-f0-n001 at 5',6,NULL,1,2.0,0.5,5,'here','cpu',0,1.79608307961387133602e+09);
INSERT INTO "segments" VALUES(4,5,0.05,'weights of final-a00-r0-f0-n000 at 5',7,NULL,1,2.0,0.5,5,'here','cpu',0,1.79608307961783242225e+09);
INSERT INTO "segments" VALUES(4,10,0.1,'weights of final-a00-r0-f0-n000 at 10',11,'final-a00-r0-f0-n000/10',1,2.0,0.5,5,'here','cpu',0,1.79608307964990711216e+09);
CREATE TABLE segstudy_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT segstudy_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "segstudy_version" VALUES('0004');
CREATE TABLE studies (
	id INTEGER NOT NULL, 
	name VARCHAR NOT NULL, 
	file JSON NOT NULL, 
	marks JSON NOT NULL, 
	maximize BOOLEAN NOT NULL, 
	data_digest VARCHAR NOT NULL, 
	versions JSON NOT NULL, 
	created FLOAT NOT NULL, 
	stop_requested BOOLEAN NOT NULL, 
	report_reads INTEGER NOT NULL, 
	CONSTRAINT studies_primary PRIMARY KEY (id), 
	CONSTRAINT studies_name_unique UNIQUE (name)
);
INSERT INTO "studies" VALUES(1,'small','{"name": "small", "dataset": {"path": "data", "labels": {"tumor": 1}}, "resources": {"cpu": 1}, "report": {}}','[5, 10]',1,'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','{"torch": "2.13.0"}',100.0,0,0);
CREATE TABLE trials (
	id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	arm_id INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	stage VARCHAR NOT NULL, 
	search INTEGER NOT NULL, 
	fold INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	cohort INTEGER NOT NULL, 
	seed BIGINT NOT NULL, 
	parameters JSON NOT NULL, 
	source VARCHAR, 
	status VARCHAR NOT NULL, 
	reason TEXT, 
	sampled_by VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	created FLOAT NOT NULL, 
	ended FLOAT, 
	CONSTRAINT trials_primary PRIMARY KEY (id), 
	CONSTRAINT trials_study_id_key_unique UNIQUE (study_id, "key"), 
	CONSTRAINT trials_study_id_foreign FOREIGN KEY(study_id) REFERENCES studies (id), 
	CONSTRAINT trials_arm_id_foreign FOREIGN KEY(arm_id) REFERENCES arms (id)
);
INSERT INTO "trials" VALUES(1,1,1,'search-a00-r0-f0-n000','search',0,0,0,0,4611686018427387904,'{"loss.gamma": 0.1}',NULL,'finished',NULL,'tpe, optuna 5.0.0',10,101.0,1.79608307963786268234e+09);
INSERT INTO "trials" VALUES(2,1,1,'search-a00-r0-f0-n001','search',0,0,1,0,4611686018427387905,'{"loss.gamma": 0.1}',NULL,'halved',NULL,'tpe, optuna 5.0.0',8,101.0,102.0);
INSERT INTO "trials" VALUES(3,1,2,'search-a01-r0-f0-n000','search',0,0,0,0,4611686018427387904,'{"loss.gamma": 0.1}',NULL,'failed','non-finite loss at iteration 3','tpe, optuna 5.0.0',9,101.0,103.0);
INSERT INTO "trials" VALUES(4,1,1,'final-a00-r0-f0-n000','final',0,0,0,0,4611686018427387904,'{"loss.gamma": 0.1}','search-a00-r0-f0-n000','finished',NULL,'tpe, optuna 5.0.0',11,101.0,1.79608307964990711216e+09);
CREATE TABLE views (
	study_id INTEGER NOT NULL, 
	"view" VARCHAR NOT NULL, 
	position JSON NOT NULL, 
	CONSTRAINT views_primary PRIMARY KEY (study_id, "view"), 
	CONSTRAINT views_study_id_foreign FOREIGN KEY(study_id) REFERENCES studies (id)
);
CREATE INDEX notices_by_study ON notices (study_id);
CREATE INDEX trials_by_arm ON trials (arm_id);
CREATE INDEX trials_by_revision ON trials (study_id, revision);
CREATE INDEX segments_by_revision ON segments (revision);
CREATE INDEX attempts_open ON attempts (trial_id) WHERE result IS NULL;
CREATE INDEX attempts_by_trial ON attempts (trial_id);
COMMIT;
